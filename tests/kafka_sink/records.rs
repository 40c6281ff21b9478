//! What becomes of records: keys, headers, changes, long ones.

use streaming_runtime::connect::{SinkPolicies, collect, queue};

use super::*;

stream!(
    /// What each key has, as it changes.
    #[batch(secs(1))]
    fn sums<pairs: Source<(String, i64)>, out: Sink<((String, i64), i64)>>() {
        pairs.window(secs(2), secs(1)).reduce_by_key(|a, b| a + b).changes().to(out);
    }
);

stream!(
    /// As they come.
    #[batch(secs(1))]
    fn numbers<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.map(|n| n).to(out);
    }
);

/// Runs the batches of a source that is asked for them, one after the other.
async fn in_batches<P: streaming_runtime::Pipeline>(batches: u64, pipeline: P) -> Result<(), JobError> {
    let clock = streaming_runtime::ManualClock::new();
    let mut job =
        Engine::new().name(name("records")).manual_clock(&clock).start(pipeline).expect("it starts");
    clock.advance(secs(batches));
    job.join().await
}

#[tokio::test]
async fn all_that_a_record_can_have() {
    let Some(broker) = broker() else { return };
    let topic = name("full");
    python(&broker, &topic, "create(4)");
    // The broker removes what is older than a week.
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_millis() as i64;
    let out = kafka::append(&broker, &topic).format(move |n: i64| {
        let record = kafka::Record::new(n.to_string()).key(format!("k{n}")).header("a", "1").header("b", "2");
        record.partition(2).timestamp(now + n)
    });
    in_batches(3, numbers::Ports { numbers: queue(vec![vec![1, 2], vec![], vec![3]]), out })
        .await
        .expect("well");
    let read = committed(&broker, &topic);
    let one = |n: i64| Read {
        partition: 2,
        key: Some(format!("k{n}")),
        value: Some(n.to_string()),
        headers: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
        timestamp: now + n,
    };
    assert_eq!(read, [one(1), one(2), one(3)]);
}

/// Where a key goes is a matter between clients.
#[tokio::test]
async fn a_key_goes_where_java_clients_send_it() {
    let Some(broker) = broker() else { return };
    let topic = name("keys");
    python(&broker, &topic, "create(7)");
    let out = kafka::append(&broker, &topic).format(|n: i64| (n.to_string(), n.to_string()));
    in_batches(1, numbers::Ports { numbers: queue(vec![(0..50).collect()]), out }).await.expect("well");
    // murmur2 as Java's producer computes it, from kafka-python.
    let script = "from kafka.partitioner.default import murmur2\n\
        for i in range(50): print((murmur2(str(i).encode()) & 0x7fffffff) % 7)\n";
    let expected: Vec<u32> =
        python(&broker, &topic, script).lines().map(|line| line.parse().expect("a number")).collect();
    let read = committed(&broker, &topic);
    assert_eq!(read.len(), 50);
    for record in read {
        let n: usize = record.key.expect("a key").parse().expect("a number");
        assert_eq!(record.partition, expected[n], "key {n}");
    }
}

#[tokio::test]
async fn changes_are_counted_in_a_header_and_upserts_have_tombstones() {
    let Some(broker) = broker() else { return };
    let (changes, upserts) = (name("changes"), name("upserts"));
    let pair = |key: &str, n| (key.to_owned(), n);
    let batches =
        || queue(vec![vec![pair("a", 1), pair("b", 5)], vec![pair("a", 2)], vec![pair("c", 1)], vec![]]);
    let format = |(key, n): (String, i64)| (key, n.to_string());
    python(&broker, &changes, "create(1)");
    let out = kafka::changes(&broker, &changes).format(format);
    in_batches(4, sums::Ports { pairs: batches(), out }).await.expect("well");
    let mut read: Vec<_> = committed(&broker, &changes)
        .into_iter()
        .map(|read| (read.key.expect("a key"), read.value.expect("a value"), read.headers[0].1.clone()))
        .collect();
    read.sort();
    let change = |key: &str, value: &str, n: &str| (key.to_owned(), value.to_owned(), n.to_owned());
    // A window of two seconds: 1, then 1 + 2, then 2, then nothing.
    let mut expected = vec![
        change("a", "1", "+1"),
        change("b", "5", "+1"),
        change("a", "1", "-1"),
        change("a", "3", "+1"),
        change("a", "3", "-1"),
        change("b", "5", "-1"),
        change("a", "2", "+1"),
        change("c", "1", "+1"),
        change("a", "2", "-1"),
    ];
    expected.sort();
    assert_eq!(read, expected);

    python(&broker, &upserts, "create(1, cleanup_policy='compact')");
    let out = kafka::upserts(&broker, &upserts).format(format);
    in_batches(4, sums::Ports { pairs: batches(), out }).await.expect("well");
    let read = committed(&broker, &upserts);
    let of = |key: &str| {
        let of_key = read.iter().filter(|read| read.key.as_deref() == Some(key));
        of_key.map(|read| read.value.clone().unwrap_or("gone".into())).collect::<Vec<_>>()
    };
    assert_eq!(of("a"), ["1", "3", "2", "gone"]);
    assert_eq!((of("b"), of("c")), (vec!["5".to_owned(), "gone".into()], vec!["1".to_owned()]));
}

#[tokio::test]
async fn a_megabyte_is_no_more_than_the_topic_takes() {
    let Some(broker) = broker() else { return };
    let topic = name("long");
    python(&broker, &topic, "create(1, max_message_bytes='2097152')");
    let out = kafka::append(&broker, &topic).format(|n: i64| "x".repeat(n as usize));
    let batch = vec![1 << 20, 7];
    in_batches(1, numbers::Ports { numbers: queue(vec![batch]), out }).await.expect("well");
    let lengths: Vec<usize> = values(&broker, &topic).iter().map(String::len).collect();
    assert_eq!(lengths, [1 << 20, 7]);
}

/// One that no topic takes ends the job and leaves nothing of its batch behind; or its batch goes elsewhere, and others go on.
#[tokio::test]
async fn a_poison_record_is_named_and_its_batch_can_go_elsewhere() {
    let Some(broker) = broker() else { return };
    let topic = name("poison");
    python(&broker, &topic, "create(1)");
    let batches = || queue(vec![vec![1], vec![2, 3 << 20, 3], vec![4]]);
    let out = || kafka::append(&broker, &topic).name(&topic).format(|n: i64| "x".repeat(n as usize));
    let error = in_batches(3, numbers::Ports { numbers: batches(), out: out() }).await.expect_err("too long");
    let JobError::Sink { source, .. } = error else { panic!("{error}") };
    assert!(!source.may_pass(), "{source}");
    match fault(&source) {
        Some(kafka::Fault::TooLarge { topic: of, bytes }) => {
            assert_eq!((of, bytes), (topic.clone(), 3 << 20))
        }
        other => panic!("{other:?}: {source}"),
    }
    assert_eq!(values(&broker, &topic), ["x"]);

    let topic = name("poison-elsewhere");
    python(&broker, &topic, "create(1)");
    let (others, collected) = collect();
    let out = kafka::append(&broker, &topic).format(|n: i64| "x".repeat(n as usize)).or_dead_letter(others);
    in_batches(3, numbers::Ports { numbers: batches(), out }).await.expect("the rest goes on");
    assert_eq!(values(&broker, &topic), ["x", "xxxx"]);
    assert_eq!(collected.records(), [2, 3 << 20, 3]);
}
