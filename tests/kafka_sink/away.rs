//! A broker that is not there for a while: one of their own for these tests, or others would be disturbed.

use streaming_runtime::{
    BatchTime, Checkpoint,
    connect::{channel, durable},
};

use support::servers::Server;

use super::*;

/// Killed and up again, away for some seconds, and stopped as it is, while a job writes: each record is there once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_back_has_each_record_once() {
    let Some(_) = broker() else { return };
    let server = Server::start("kafka", &[]);
    let (broker, topic) = (&server.address, name("comes-back"));
    python(broker, &topic, "create(1)");
    let state = tempfile::tempdir().expect("temp");
    let (sender, texts) = channel(1024);
    let engine = Engine::new().name("comes-back").checkpoint(Checkpoint::new(state.path()));
    let copies = kafka::append(broker, &topic);
    let mut job = engine.start(copy::Ports { texts: durable(texts), copies }).expect("it starts");
    let feed = tokio::spawn(async move {
        let mut sent = 0_u32;
        while sender.send(sent.to_string()).await.is_ok() {
            sent += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        sent
    });
    for outage in [&["restart", "--kill"][..], &["down"], &["up"], &["pause"], &["resume"]] {
        server.make(outage).await;
        if matches!(outage[0], "down" | "pause") {
            tokio::time::sleep(Duration::from_secs(3)).await;
            continue;
        }
        // It goes on: records come all the time, so each batch has some.
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later") + Duration::from_secs(1);
        let later = job.delivered(BatchTime::from_nanos(now.as_nanos() as u64));
        tokio::time::timeout(Duration::from_secs(100), later)
            .await
            .expect("it goes on")
            .expect("it does not end");
    }
    job.stop().await.expect("it stops");
    let sent = feed.await.expect("it ends");
    let read: Vec<u32> = values(broker, &topic).iter().map(|n| n.parse().expect("a number")).collect();
    assert!(sent > 1000 && read.len() as u32 <= sent, "{} of {sent}", read.len());
    assert!(read.iter().copied().eq(0..read.len() as u32), "each is there once, in order");
}
