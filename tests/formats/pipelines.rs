//! `decode`, `decode_with` and `encode` in pipelines.

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    JobError,
    connect::{ConnectorError, collect, queue},
    formats::{Decode, FormatError, Payload, Rejected, csv, json, raw, text},
    prelude::*,
};
use support::{outcome, run};

/// A payload with a place and a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    offset: u64,
    key: String,
    body: Option<Vec<u8>>,
}

impl Payload for Message {
    fn bytes(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }
    fn position(&self) -> Option<String> {
        Some(format!("orders/3 at {}", self.offset))
    }
}

fn messages(bodies: &[Option<&[u8]>]) -> Vec<Message> {
    let message = |(n, body): (usize, &Option<&[u8]>)| Message {
        offset: n as u64,
        key: format!("k{}", n % 2),
        body: body.map(<[u8]>::to_vec),
    };
    bodies.iter().enumerate().map(message).collect()
}

stream!(
    #[batch(secs(1))]
    fn keyed<messages: Source<Message>, sums: Sink<(String, i64)>, bad: Sink<Rejected>>() {
        let (amounts, rejected) =
            messages.decode_with(json::<i64>(), |message, amount| (message.key, amount));
        amounts.sum_by_key().to(sums);
        rejected.to(bad);
    }
);

#[test]
fn what_is_rejected_has_its_bytes_its_place_and_why() {
    for workers in [1, 2] {
        let long = vec![b'x'; 10_000];
        let bodies: [Option<&[u8]>; 6] =
            [Some(b"1"), None, Some(b"\"1\""), Some(&long), Some(b"40"), Some(b"2 ")];
        let ((sums, summed), (bad, rejected)) = (collect(), collect());
        run(Engine::new().workers(workers), 1, |engine| {
            let ports = keyed::Ports { messages: queue(vec![messages(&bodies)]), sums, bad };
            engine.start(ports).expect("it starts")
        });
        let mut summed = summed.records();
        summed.sort();
        assert_eq!(summed, [("k0".to_owned(), 41), ("k1".to_owned(), 2)]);
        let mut rejected = rejected.records();
        rejected.sort_by(|a, b| a.position.cmp(&b.position));
        let said: Vec<String> = rejected.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "orders/3 at 1: it has no bytes (0 bytes)",
                "orders/3 at 2: no JSON of this type: invalid type: string \"1\", expected i64 at line 1 column 3 (3 bytes)",
                "orders/3 at 3: no JSON: expected value at line 1 column 1 (10000 bytes)",
            ]
        );
        assert_eq!(rejected[1].bytes, b"\"1\"");
        assert_eq!((rejected[2].bytes.len(), rejected[2].length), (Rejected::MAX_BYTES, 10_000));
    }
}

stream!(
    #[batch(secs(1))]
    fn converted<payloads: Source<Vec<u8>>, out: Sink<Vec<u8>>>() {
        let (pairs, rejected) = payloads.decode(csv::<(String, i64)>());
        pairs.encode(json()).to(out);
        rejected.skip();
    }
);

#[test]
fn what_is_skipped_is_counted() {
    let payloads: Vec<Vec<u8>> = [&b"a,1"[..], b"b", b"\"c\"\"d\",3\r\n"].map(<[u8]>::to_vec).to_vec();
    let (out, written) = collect();
    let mut job = None;
    let clock = streaming_runtime::ManualClock::new();
    support::block_on(async {
        let started = Engine::new()
            .manual_clock(&clock)
            .start(converted::Ports { payloads: queue(vec![payloads]), out });
        let mut started = started.expect("it starts");
        clock.advance(secs(1));
        support::soon(started.join()).await.expect("it ends well");
        job = Some(started);
    });
    assert_eq!(written.records(), [br#"["a",1]"#.to_vec(), br#"["c\"d",3]"#.to_vec()]);
    assert_eq!(job.expect("it ran").skipped(), [("converted/rejected/skip", 1)]);
}

stream!(
    #[batch(secs(1))]
    fn strict<texts: Source<Vec<u8>>, out: Sink<Vec<u8>>>() {
        let (texts, rejected) = texts.decode(text());
        let (bytes, _unfit) = texts.decode(raw());
        bytes.to(out);
        rejected.fail();
        _unfit.fail();
    }
);

#[test]
fn what_fails_ends_the_job_with_where_and_why() {
    let (out, _) = collect();
    let error = outcome(Engine::new(), 1, |engine| {
        let texts = queue(vec![vec![b"fine".to_vec(), b"k\xe4se".to_vec()]]);
        engine.start(strict::Ports { texts, out }).expect("it starts")
    });
    let error = error.expect_err("it is no UTF-8");
    assert_eq!(error.to_string(), "operator `strict/rejected/fail`: no UTF-8 from byte 1 on (4 bytes)");
}

/// A format whose schema is not to be had.
struct Away;

impl Decode for Away {
    type Record = u64;
    fn decode(&mut self, _: &[u8]) -> Result<u64, FormatError> {
        Err(ConnectorError::Config("there is no schema 7".to_owned()).into())
    }
}

stream!(
    #[batch(secs(1))]
    fn away<payloads: Source<String>, out: Sink<u64>>() {
        let (numbers, rejected) = payloads.decode(Away);
        numbers.to(out);
        rejected.skip();
    }
);

#[test]
fn a_format_that_cannot_work_rejects_nothing_and_ends_the_job() {
    let (out, delivered) = collect();
    let error = outcome(Engine::new(), 1, |engine| {
        let payloads = queue(vec![vec!["1".to_owned()]]);
        engine.start(away::Ports { payloads, out }).expect("it starts")
    });
    let error = error.expect_err("it cannot work");
    let JobError::Format { operator: "away/numbers+rejected/decode", source } = &error else {
        panic!("{error}")
    };
    assert_eq!((error.code(), source.code()), ("job.format", "connector.config"));
    assert_eq!(error.to_string(), "operator `away/numbers+rejected/decode`: there is no schema 7");
    assert!(delivered.records().is_empty());
}

stream!(
    #[batch(secs(1))]
    fn unwritable<numbers: Source<f64>, out: Sink<Vec<u8>>>() {
        numbers.map(|n| std::collections::BTreeMap::from([(1, n)])).encode(csv()).to(out);
    }
);

#[test]
fn a_record_that_cannot_be_written_ends_the_job() {
    let (out, _) = collect();
    let error = outcome(Engine::new(), 1, |engine| {
        engine.start(unwritable::Ports { numbers: queue(vec![vec![1.0]]), out }).expect("it starts")
    });
    let JobError::RecordFailed { operator: "unwritable/out/encode", message } = error.expect_err("no CSV")
    else {
        panic!("another error")
    };
    assert!(message.starts_with("it cannot be CSV"), "{message}");
}

stream!(
    /// A window of what is decoded, and of what is not.
    #[batch(secs(1))]
    fn windowed<payloads: Source<String>, count: Sink<i64>, bad: Sink<Rejected>>() {
        let (numbers, rejected) = payloads.window(secs(2), secs(1)).decode(json::<i64>());
        numbers.count().to(count);
        rejected.snapshot().to(bad);
    }
);

#[test]
fn what_is_rejected_of_a_window_is_in_that_window() {
    let ((count, counted), (bad, rejected)) = (collect(), collect());
    run(Engine::new(), 3, |engine| {
        let batches = vec![vec!["1".to_owned(), "x".to_owned()], vec!["2".to_owned()], vec!["3".to_owned()]];
        engine.start(windowed::Ports { payloads: queue(batches), count, bad }).expect("it starts")
    });
    assert_eq!(counted.records(), [1, 2, 2]);
    assert_eq!(rejected.records().len(), 2, "in the two windows that have it");
}

/// A tombstone has no bytes, and a record says which one it was.
#[cfg(feature = "kafka")]
#[test]
fn a_message_of_kafka_says_where_it_was() {
    let message = streaming_runtime::connect::kafka::Message {
        topic: "orders".into(),
        partition: 3,
        offset: 1041,
        timestamp: None,
        key: Some(b"k".to_vec()),
        payload: None,
        headers: Vec::new(),
    };
    assert_eq!(
        Rejected::new(&message, "it has no bytes").to_string(),
        "orders/3 at 1041: it has no bytes (0 bytes)"
    );
}
