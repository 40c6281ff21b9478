//! A broker that does not answer, or is not there: one of their own for these tests, or others would be disturbed.

use support::servers::Server;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for_within_the_limit() {
    if broker().is_none() {
        return;
    }
    let broker = tokio::task::spawn_blocking(|| Server::start("kafka", &[])).await.expect("it starts");
    let (topic, place, copies) = (name("away"), tempfile::tempdir().expect("temp"), Lasting::default());
    python_beside(&broker.address, &topic, "create(3)\nsend(range(300), 3)").await;
    let start = |retry| {
        let texts = kafka::topic(&broker.address, &topic).discover_every(millis(100)).retry(retry).texts();
        let engine = Engine::new().checkpoint(Checkpoint::new(place.path()).exactly_once());
        engine.start(copy::Ports { texts, copies: copies.clone() }).expect("it starts")
    };
    let has = |records: usize| {
        let copies = copies.clone();
        move || copies.delivered().values().map(Vec::len).sum::<usize>() >= records
    };
    let mut job = start(Retry::default());
    wait_for(has(300)).await;

    // It is there, and does not answer.
    broker.make(&["pause"]).await;
    wait_for(|| explained(&job).contains("asked 1 times of at most 10")).await;
    broker.make(&["resume"]).await;
    python_beside(&broker.address, &topic, "send(range(300, 600), 3)").await;
    wait_for(has(600)).await;
    wait_for(|| !explained(&job).contains("asked")).await;

    // It is killed in mid-run, and comes back.
    broker.make(&["restart", "--kill"]).await;
    python_beside(&broker.address, &topic, "send(range(600, 900), 3)").await;
    wait_for(has(900)).await;
    job.stop().await.expect("it stops");

    // It does not come back in time.
    let mut job = start(Retry::default().attempts(2));
    wait_for(|| job.metrics().source("texts").is_some_and(|source| source.partitions.len() == 3)).await;
    broker.make(&["down", "--kill"]).await;
    let ended = tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("it ends");
    let Err(JobError::Source { source, .. }) = ended else { panic!("{ended:?}") };
    assert!(matches!(source, ConnectorError::Unreachable { attempts: 2, .. }), "{source:?}");
    broker.make(&["up"]).await;

    // What was sent meanwhile is there for the next start.
    let mut job = start(Retry::default());
    python_beside(&broker.address, &topic, "send(range(900, 1000), 3)").await;
    wait_for(has(1000)).await;
    job.stop().await.expect("it stops");
    let mut got: Vec<String> = copies.delivered().into_values().flatten().collect();
    got.sort();
    let mut all: Vec<String> = (0..1000).map(|n| format!("{:?}", n.to_string())).collect();
    all.sort();
    assert!(got == all, "{} of {} records", got.len(), all.len());
}
