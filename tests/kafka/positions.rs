//! Where jobs go on, and what consumer groups are told of it.

use streaming_runtime::Sink;
use tokio::sync::watch;

use super::*;

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

/// A sink that takes nothing until it is let, and says when it was given something.
#[derive(Clone)]
struct Held {
    is_open: watch::Sender<bool>,
    given: watch::Sender<usize>,
}

impl Held {
    fn new() -> Self {
        Held { is_open: watch::Sender::new(false), given: watch::Sender::new(0) }
    }

    /// Waits until so many records were given.
    async fn given(&self, records: usize) {
        wait_for(|| *self.given.borrow() >= records).await;
    }
}

impl Sink<String> for Held {
    const MAY_BLOCK: bool = false;
    async fn write(&mut self, batch: Batch<String>) -> Result<(), ConnectorError> {
        if batch.records.is_empty() {
            return Ok(());
        }
        self.given.send_modify(|given| *given += batch.records.len());
        let open = self.is_open.subscribe().wait_for(|is_open| *is_open).await.map(drop);
        open.map_err(|_| ConnectorError::Closed)
    }
}

/// What the group has of each partition, as another client says.
fn committed(broker: &str, topic: &str, group: &str, partitions: usize) -> Vec<i64> {
    let script = format!(
        "c = consumer('{group}')\nprint(*[p.offset for p in c.committed([TopicPartition(topic, n) for n in range({partitions})], 10)])"
    );
    let said = python(broker, topic, &script);
    said.split_whitespace().map(|offset| offset.parse().expect("an offset")).collect()
}

/// Waits until a group has committed these.
async fn wait_for_committed(broker: &str, topic: &str, group: &str, offsets: &[i64]) {
    let begin = Instant::now();
    loop {
        let (broker, topic, group, n) =
            (broker.to_owned(), topic.to_owned(), group.to_owned(), offsets.len());
        let found = tokio::task::spawn_blocking(move || committed(&broker, &topic, &group, n));
        let found = found.await.expect("it does not panic");
        if found == offsets {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{found:?} are committed, and not {offsets:?}");
    }
}

/// A group is told of what is delivered, and no sooner; also of the last batch of a job that ends.
#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_when_they_are_delivered() {
    let Some(broker) = broker() else { return };
    let (topic, place) = (name("lag"), tempfile::tempdir().expect("temp"));
    python(&broker, &topic, "create(2)\nsend(range(100), 2)");
    let (held, group) = (Held::new(), format!("streaming-{topic}-texts"));
    let texts = kafka::topic(&broker, &topic).texts();
    let engine = Engine::new().name(&topic).checkpoint(place.path());
    let mut job = engine.start(copy::Ports { texts, copies: held.clone() }).expect("it starts");
    held.given(1).await;
    // What comes behind it waits for it, or before the job.
    // Another job, which begins later, has committed: so this one would have.
    let other = name("other");
    python_beside(&broker, &other, "create(1)\nsend(range(3))").await;
    assert_eq!(all(kafka::topic(&broker, &other).group(&other).until_latest().texts()).await.len(), 3);
    wait_for_committed(&broker, &other, &other, &[3]).await;
    assert!(committed(&broker, &topic, &group, 2).iter().all(|offset| *offset < 0), "nothing is delivered");
    held.is_open.send_replace(true);
    wait_for_committed(&broker, &topic, &group, &[50, 50]).await;
    python_beside(&broker, &topic, "send(range(100, 120), 2)").await;
    held.given(120).await;
    job.stop().await.expect("it stops");
    wait_for_committed(&broker, &topic, &group, &[60, 60]).await;
    assert_eq!(
        job.metrics().source("texts").expect("it is one").events,
        [("kafka lost offsets", 0), ("kafka failed commits", 0)]
    );
}

/// A group is where a job begins only if it is told so, and has no checkpoint that says otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_begins_where_a_group_is_if_it_is_told_so() {
    let Some(broker) = broker() else { return };
    let topic = name("group");
    python(
        &broker,
        &topic,
        "create(2)\nsend(range(20), 2)\nconsumer(topic).commit(offsets=[TopicPartition(topic, 0, 7)], asynchronous=False)",
    );
    let source = || kafka::topic(&broker, &topic).group(&topic);
    assert_eq!(all(source().commit_offsets(false).until_latest().texts()).await.len(), 20, "the earliest");
    assert_eq!(all(source().from_committed().until_latest().texts()).await.len(), 3 + 10);
    wait_for_committed(&broker, &topic, &topic, &[10, 10]).await;
    assert!(all(source().from_committed().until_latest().texts()).await.is_empty());
    python(&broker, &topic, "send(range(20, 26), 2)");
    assert_eq!(
        all(source().from_committed().until_latest().texts()).await,
        ["20", "21", "22", "23", "24", "25"]
    );
}

/// A batch that runs again has what it had, or the job ends.
async fn run_again(first: &str, then: &str) -> ConnectorError {
    let broker = broker().expect("the caller has looked");
    let (topic, place) = (name("again"), tempfile::tempdir().expect("temp"));
    python(&broker, &topic, first);
    let engine = Engine::new().checkpoint(place.path());
    let texts = || kafka::topic(&broker, &topic).texts();
    let held = Held::new();
    let job = engine.start(copy::Ports { texts: texts(), copies: held.clone() }).expect("it starts");
    // The batch is on disk when it is given to the sink, and never delivered.
    held.given(10).await;
    job.abort().await;
    python(&broker, &topic, then);
    let (copies, _collected) = collect();
    let mut job = engine.start(copy::Ports { texts: texts(), copies }).expect("it starts");
    match tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("it ends") {
        Err(JobError::Source { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_is_not_taken_for_the_old_one() {
    let Some(_) = broker() else { return };
    let other = run_again("create(1)\nsend(range(10))", "delete(); create(1)\nsend(range(10, 20))").await;
    assert_eq!(other.code(), "connector.changed", "{other}");
    assert!(other.to_string().contains("other records"), "{other}");
    let again = "delete(); create(1)\nsend(range(4))";
    let shorter = run_again("create(1)\nsend(range(10))", again).await;
    assert!(shorter.to_string().contains("ended at 10, and all that there is ends at 4"), "{shorter}");
    let shorter = run_again("create(1)\nsend(range(10))", "delete(); create(1)\nsend(range(3))\nadmin.delete_records([TopicPartition(topic, 0, 3)])[TopicPartition(topic, 0)].result()").await;
    let ConnectorError::Io { source, .. } = &shorter else { panic!("{shorter}") };
    let fault = source.get_ref().and_then(|fault| fault.downcast_ref());
    assert!(
        matches!(fault, Some(kafka::Fault::LostOffsets { position: 0, low: 3, high: 3, .. })),
        "{shorter}"
    );
}

/// A job from the latest that crashes before its first batch is delivered goes on where it began, and not at what is then the latest.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_the_latest_goes_on_where_it_began() {
    let Some(broker) = broker() else { return };
    let (topic, place) = (name("latest"), tempfile::tempdir().expect("temp"));
    python(&broker, &topic, "create(2)\nsend(range(10), 2)");
    let engine = Engine::new().checkpoint(place.path());
    let texts = || kafka::topic(&broker, &topic).from_latest();
    let held = Held::new();
    let job = engine.start(copy::Ports { texts: texts().texts(), copies: held.clone() }).expect("it starts");
    wait_for(|| job.metrics().source("texts").is_some_and(|source| source.partitions.len() == 2)).await;
    python_beside(&broker, &topic, "send(range(10, 12), 2)").await;
    held.given(1).await;
    job.abort().await;
    python(&broker, &topic, "send(range(12, 16), 2)");
    let (copies, collected) = collect();
    let texts = texts().until_latest().texts();
    let mut job = engine.start(copy::Ports { texts, copies }).expect("it starts");
    job.join().await.expect("it ends well");
    let mut got = collected.records();
    got.sort();
    assert_eq!(got, ["10", "11", "12", "13", "14", "15"]);
}
