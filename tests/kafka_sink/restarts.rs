//! Jobs that end anywhere and go on.

use streaming_runtime::{
    Checkpoint,
    connect::{channel, durable},
};

use super::*;

/// Each job is aborted anywhere, and the next goes on where the checkpoint is.
#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_there_once_after_aborts() {
    const RECORDS: usize = 20_000;
    let Some(broker) = broker() else { return };
    let (topic, out) = (name("aborts"), name("aborts-out"));
    python(&broker, &topic, &format!("create(3)\ncreate(2, '{out}')\nsend(range({RECORDS}), 3)"));
    let place = tempfile::tempdir().expect("temp");
    let start = |texts: kafka::Topics, run: usize, rate: f64| {
        let engine = Engine::new().workers(1 + run % 3).close_early(run.is_multiple_of(2)).max_rate(rate);
        let engine = engine.name(&topic).checkpoint(Checkpoint::new(place.path()).exactly_once());
        let copies = kafka::append(&broker, &out);
        engine.start(copy::Ports { texts: texts.texts(), copies }).expect("it starts")
    };
    for run in 0..12 {
        let job = start(kafka::topic(&broker, &topic), run, 3_000.0);
        tokio::time::sleep(Duration::from_millis(150 * run as u64)).await;
        job.abort().await;
    }
    let before = values(&broker, &out).len();
    assert!(before > 0 && before < RECORDS, "{before} before the last start");
    let mut job = start(kafka::topic(&broker, &topic).until_latest(), 0, 1e6);
    job.join().await.expect("it ends well");
    let mut got: Vec<usize> = values(&broker, &out).iter().map(|n| n.parse().expect("a number")).collect();
    got.sort_unstable();
    assert!(got.iter().copied().eq(0..RECORDS), "{} of {RECORDS}", got.len());
}

/// Batches without records leave nothing in the topics, and a job goes on behind them when its log begins anew there.
#[tokio::test]
async fn empty_batches_make_no_transaction() {
    let Some(broker) = broker() else { return };
    let (topic, progress) = (name("empty"), name("empty-progress"));
    python(&broker, &topic, "create(1)");
    let place = tempfile::tempdir().expect("temp");
    let ends = || {
        python(
            &broker,
            &progress,
            "c = Consumer({'bootstrap.servers': broker, 'group.id': 'x', 'isolation.level': 'read_uncommitted'})\nprint(c.get_watermark_offsets(TopicPartition(topic, 0))[1])",
        )
    };
    let clock = streaming_runtime::ManualClock::new();
    for run in 0..3 {
        let (sender, texts) = channel(16);
        // A log that begins anew all the time.
        let checkpoint = Checkpoint::new(place.path()).segment_bytes(400).exactly_once();
        let engine = Engine::new().name(&topic).manual_clock(&clock).checkpoint(checkpoint);
        let copies = kafka::append(&broker, &topic).progress_topic(&progress);
        let mut job = engine.start(copy::Ports { texts: durable(texts), copies }).expect("it starts");
        let received = sender.send_tracked(run.to_string()).await.expect("it is taken");
        clock.advance(millis(20));
        received.await.expect("delivered");
        let before = ends();
        for _ in 0..50 {
            clock.advance(millis(20));
            job.delivered(clock.now()).await.expect("delivered");
        }
        assert_eq!(ends(), before, "nothing was written for 50 batches");
        job.stop().await.expect("it stops");
    }
    let has_base = std::fs::read_dir(place.path())
        .expect("readable")
        .any(|entry| entry.expect("readable").file_name().to_string_lossy().starts_with("base-"));
    assert!(has_base, "the first batches are not in the log any more");
    assert_eq!(values(&broker, &topic), ["0", "1", "2"]);
}

/// Many sinks share a topic of progress, so the last record of one may be far from its end.
#[tokio::test]
async fn progress_is_found_far_from_the_end() {
    let Some(broker) = broker() else { return };
    let (topic, progress) = (name("far"), name("far-progress"));
    python(&broker, &topic, "create(1)");
    let place = tempfile::tempdir().expect("temp");
    let clock = streaming_runtime::ManualClock::new();
    for run in 0..2 {
        let batches = (0..2 + run).map(|n| vec![n.to_string()]).collect();
        let checkpoint = Checkpoint::new(place.path()).exactly_once();
        let engine = Engine::new().name(&topic).manual_clock(&clock).checkpoint(checkpoint);
        let copies = kafka::append(&broker, &topic).progress_topic(&progress);
        let texts = streaming_runtime::connect::queue(batches);
        let mut job = engine.start(copy::Ports { texts, copies }).expect("it starts");
        clock.advance(secs(1));
        job.join().await.expect("it ends well");
        let others = "producer = Producer({'bootstrap.servers': broker})\n\
            for i in range(3000): producer.produce(topic, b'{}', key=f'other {i}'.encode(), partition=0); producer.poll(0)\n\
            producer.flush()";
        python(&broker, &progress, others);
    }
    assert_eq!(values(&broker, &topic), ["0", "1", "2"]);
}
