//! Topics of a real broker as sources. Run by `scripts/servers run kafka -- cargo test -p tests --features kafka --test kafka`; what is
//! written comes from a client that is not ours.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use streaming_runtime::{
    Checkpoint, JobError,
    connect::{ConnectorError, Retry, collect, kafka},
    prelude::*,
};
use support::Lasting;

stream!(
    /// Each record, as text.
    #[batch(millis(50))]
    pub fn copy<texts: Source<String>, copies: Sink<String>>() {
        texts.map(|text| text).to(copies);
    }
);

stream!(
    /// Words and how often they come.
    #[batch(millis(50))]
    pub fn words<texts: Source<String>, counts: Sink<(String, i64)>>() {
        let words = texts.flat_map(|text| text.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

/// The broker, or a line that says what is not run.
fn broker() -> Option<String> {
    let broker = env::var("KAFKA").ok();
    let is_required = env::var("STREAMING_SERVERS_REQUIRED").is_ok_and(|required| required == "1");
    assert!(broker.is_some() || !is_required, "KAFKA names no broker, and STREAMING_SERVERS_REQUIRED is 1");
    if broker.is_none() {
        eprintln!(
            "not run, for want of a broker: scripts/servers run kafka -- cargo test -p tests --features kafka --test kafka"
        );
    }
    broker
}

/// Runs a script with confluent-kafka: `broker` and `topic` are set, `admin` and `producer` are there.
fn python(broker: &str, topic: &str, script: &str) {
    let prelude = "import sys\n\
        from confluent_kafka import Producer, admin as a\n\
        broker, topic = sys.argv[1:3]\n\
        admin = a.AdminClient({'bootstrap.servers': broker})\n\
        producer = Producer({'bootstrap.servers': broker})\n\
        def create(n, **config):\n \
            [f.result() for f in admin.create_topics([a.NewTopic(topic, n, 1, config={k.replace('_', '.'): v for k, v in config.items()})]).values()]\n";
    let servers = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/servers");
    let script = format!("{prelude}{script}");
    let done = Command::new(servers).args(["python", "-c", &script, broker, topic]).output();
    let done = done.expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn name(of: &str) -> String {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later");
    format!("{of}-{}", since.as_nanos())
}

/// All that a source gives until its end.
async fn all(source: kafka::Topics<kafka::Texts>) -> Vec<String> {
    let (copies, collected) = collect();
    let mut job = Engine::new().start(copy::Ports { texts: source, copies }).expect("it starts");
    job.join().await.expect("it ends well");
    let mut records = collected.records();
    records.sort();
    records
}

#[tokio::test]
async fn words_of_a_topic_are_counted_to_its_end() {
    let Some(broker) = broker() else { return };
    let topic = name("words");
    python(
        &broker,
        &topic,
        "create(3)\nfor i in range(3000): producer.produce(topic, b'a b a', partition=i % 3)\nproducer.flush()",
    );
    let (counts, collected) = collect();
    let texts = kafka::topic(&broker, &topic).until_latest().texts();
    let mut job = Engine::new().start(words::Ports { texts, counts }).expect("it starts");
    job.join().await.expect("it ends well");
    let of = |word: &str| {
        collected.records().iter().filter(|(found, _)| found == word).map(|(_, n)| n).sum::<i64>()
    };
    assert_eq!((of("a"), of("b")), (6000, 3000));
}

/// Jobs that are aborted anywhere, each going on where the checkpoint is: a batch that comes again is as it was, or the sink would
/// refuse it.
#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_there_once_after_aborts() {
    const RECORDS: usize = 30_000;
    let Some(broker) = broker() else { return };
    let topic = name("aborts");
    let script = format!(
        "create(3)\nfor i in range({RECORDS}): producer.produce(topic, str(i).encode(), partition=i % 3); producer.poll(0)\nproducer.flush()"
    );
    python(&broker, &topic, &script);
    let (place, copies) = (tempfile::tempdir().expect("temp"), Lasting::default());
    let start = |texts, run: usize, rate: f64| {
        let engine = Engine::new().workers(1 + run % 3).close_early(run.is_multiple_of(2)).max_rate(rate);
        let engine = engine.checkpoint(Checkpoint::new(place.path()).exactly_once());
        engine.start(copy::Ports { texts, copies: copies.clone() }).expect("it starts")
    };
    for run in 0..20 {
        let job = start(kafka::topic(&broker, &topic).texts(), run, 3_000.0);
        let before = copies.delivered().len();
        // Some end before they have begun.
        let until = Instant::now() + Duration::from_millis(2_000);
        while run % 4 > 0 && copies.delivered().len() < before + run % 7 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        job.abort().await;
    }
    let delivered: usize = copies.delivered().values().map(Vec::len).sum();
    assert!(delivered > 0 && delivered < RECORDS, "{delivered} before the last start");
    let mut job = start(kafka::topic(&broker, &topic).until_latest().texts(), 0, 1e6);
    job.join().await.expect("it ends well");
    let mut got: Vec<String> = copies.delivered().into_values().flatten().collect();
    got.sort();
    let mut all: Vec<String> = (0..RECORDS).map(|n| format!("{:?}", n.to_string())).collect();
    all.sort();
    assert!(got == all, "{} of {} records", got.len(), all.len());
}

#[tokio::test]
async fn bounds_empty_topics_and_a_record_of_a_megabyte() {
    let Some(broker) = broker() else { return };
    let topic = name("bounds");
    python(&broker, &topic, "create(1, max_message_bytes='2097152')");
    assert!(all(kafka::topic(&broker, &topic).until_latest().texts()).await.is_empty());
    python(
        &broker,
        &topic,
        "for i in range(10): producer.produce(topic, str(i).encode(), partition=0)\nproducer.flush()",
    );
    let some = kafka::topic(&broker, &topic).from_offsets([((topic.clone(), 0), 2)]);
    let some = all(some.until_offsets([((topic.clone(), 0), 5)]).texts()).await;
    assert_eq!(some, ["2", "3", "4"]);
    assert!(all(kafka::topic(&broker, &topic).from_latest().until_latest().texts()).await.is_empty());
    python(
        &broker,
        &topic,
        "producer = Producer({'bootstrap.servers': broker, 'message.max.bytes': 2000000})\nproducer.produce(topic, b'x' * (1 << 20), partition=0)\nproducer.flush()",
    );
    let all = all(kafka::pattern(&broker, format!("{topic}*")).until_latest().texts()).await;
    assert_eq!((all.len(), all[10].len()), (11, 1 << 20));
}

#[tokio::test]
async fn what_was_aborted_is_not_read_and_the_end_is_found_behind_it() {
    let Some(broker) = broker() else { return };
    let topic = name("aborted");
    let script = "create(1)\n\
        p = Producer({'bootstrap.servers': broker, 'transactional.id': topic})\n\
        p.init_transactions()\n\
        for i, end in enumerate([p.commit_transaction, p.abort_transaction, p.commit_transaction, p.abort_transaction]):\n \
            p.begin_transaction(); p.produce(topic, str(i).encode()); p.flush(); end()\n";
    python(&broker, &topic, script);
    assert_eq!(all(kafka::topic(&broker, &topic).until_latest().texts()).await, ["0", "2"]);
}

#[tokio::test]
async fn partitions_that_are_added_are_read_and_a_restart_goes_on() {
    let Some(broker) = broker() else { return };
    let (topic, directory) = (name("grows"), tempfile::tempdir().expect("a directory"));
    python(
        &broker,
        &topic,
        "create(3)\nfor i in range(300): producer.produce(topic, str(i).encode(), partition=i % 3)\nproducer.flush()",
    );
    let mut records = Vec::new();
    for (run, script) in [
        "admin.create_partitions([a.NewPartitions(topic, 6)])[topic].result()\n\
         import time\n\
         while len(admin.list_topics(topic).topics[topic].partitions) < 6: time.sleep(0.05)\n\
         producer = Producer({'bootstrap.servers': broker})\n\
         for i in range(300, 600): producer.produce(topic, str(i).encode(), partition=i % 6)\nproducer.flush()",
        "for i in range(600, 900): producer.produce(topic, str(i).encode(), partition=i % 6)\nproducer.flush()",
    ]
    .into_iter()
    .enumerate()
    {
        let (copies, collected) = collect();
        let texts = kafka::topic(&broker, &topic).discover_every(millis(100)).texts();
        let engine = Engine::new().checkpoint(directory.path());
        let mut job = engine.start(copy::Ports { texts, copies }).expect("it starts");
        let (broker, topic) = (broker.clone(), topic.clone());
        let fed = tokio::task::spawn_blocking(move || python(&broker, &topic, script));
        fed.await.expect("it is fed");
        wait_for(|| collected.records().len() >= [600, 300][run]).await;
        job.stop().await.expect("it stops");
        records.extend(collected.records());
    }
    let mut numbers: Vec<u32> = records.iter().map(|text| text.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..900).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_not_there_is_a_typed_error() {
    let Some(broker) = broker() else { return };
    let lost = name("lost");
    python(
        &broker,
        &lost,
        "create(1)\nfor i in range(10): producer.produce(topic, b'x', partition=0)\nproducer.flush()\n\
        from confluent_kafka import TopicPartition\n\
        admin.delete_records([TopicPartition(topic, 0, 5)])\n\
        import time\n\
        from confluent_kafka import Consumer\n\
        c = Consumer({'bootstrap.servers': broker, 'group.id': 'x'})\n\
        while c.get_watermark_offsets(TopicPartition(topic, 0))[0] < 5: time.sleep(0.05)",
    );
    let from =
        |offset| kafka::topic(&broker, &lost).from_offsets([((lost.clone(), 0), offset)]).until_latest();
    assert!(matches!(
        fault(from(2)).await,
        Some(kafka::Fault::LostOffsets { position: 2, low: 5, high: 10, .. })
    ));
    let earliest = from(2).on_lost_offsets(kafka::OnLostOffsets::Earliest);
    assert_eq!(all(earliest.texts()).await.len(), 5);
    let missing = fault(kafka::topic(&broker, name("missing"))).await;
    assert!(matches!(missing, Some(kafka::Fault::UnknownTopic { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_topic_that_is_deleted_ends_the_job() {
    let Some(broker) = broker() else { return };
    let topic = name("deleted");
    python(&broker, &topic, "create(1)\nproducer.produce(topic, b'x')\nproducer.flush()");
    let (copies, collected) = collect();
    let texts = kafka::topic(&broker, &topic).discover_every(millis(100)).texts();
    let mut job = Engine::new().start(copy::Ports { texts, copies }).expect("it starts");
    wait_for(|| !collected.records().is_empty()).await;
    python(&broker, &topic, "[f.result() for f in admin.delete_topics([topic]).values()]");
    let error = job.join().await.expect_err("it ends").to_string();
    assert!(error.contains(&topic), "{error}");
}

#[tokio::test]
async fn no_broker_is_an_error_within_the_limit() {
    let begin = Instant::now();
    let retry = Retry::default().attempts(2);
    let error = source_error(kafka::topic("127.0.0.1:1", "x").retry(retry)).await;
    assert!(matches!(error, ConnectorError::Unreachable { attempts: 2, .. }), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

async fn source_error(source: kafka::Topics) -> ConnectorError {
    let (copies, _collected) = collect();
    let mut job = Engine::new().start(copy::Ports { texts: source.texts(), copies }).expect("it starts");
    match job.join().await.expect_err("it ends with an error") {
        JobError::Source { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// What the brokers said.
async fn fault(source: kafka::Topics) -> Option<kafka::Fault> {
    let ConnectorError::Io { source, .. } = source_error(source).await else { return None };
    source.get_ref()?.downcast_ref().cloned()
}

async fn wait_for(mut met: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !met() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
