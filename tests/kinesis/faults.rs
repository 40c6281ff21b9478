//! Servers that are away, streams that are not there, and who may not.

use support::servers::Server;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_waited_for_within_the_limit() {
    if both().is_empty() {
        return;
    }
    let server = tokio::task::spawn_blocking(|| Server::start("kinesis", &[])).await.expect("it starts");
    let (stream, place, copies) = (name("away"), tempfile::tempdir().expect("temp"), Lasting::default());
    python_beside(&server.address, &stream, "create(2)\nsend(range(100))").await;
    let start = |retry| {
        let texts = source(&server.address, &stream).retry(retry).texts();
        let engine = Engine::new().checkpoint(Checkpoint::new(place.path()).exactly_once());
        engine.start(copy::Ports { texts, copies: copies.clone() }).expect("it starts")
    };
    let mut job = start(Retry::default().attempts(1000));
    wait_for(|| delivered(&copies).len() >= 100).await;
    server.make(&["down"]).await;
    wait_for(|| explained(&job).contains("times of at most 1000")).await;
    server.make(&["up"]).await;
    python_beside(&server.address, &stream, "send(range(100, 200))").await;
    wait_for(|| delivered(&copies).len() >= 200).await;
    wait_for(|| !explained(&job).contains("times of at most")).await;
    job.stop().await.expect("it stops");

    // It does not come back in time.
    server.make(&["down"]).await;
    let mut job = start(Retry::default().attempts(3));
    let ended = tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("it ends");
    let Err(JobError::Source { source, .. }) = ended else { panic!("{ended:?}") };
    assert!(matches!(source, ConnectorError::GaveUp { attempts: 3, .. }), "{source}");
    assert!(delivered(&copies) == numbers(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_made_is_an_error_at_once() {
    for server in both() {
        let error = source_error(source(&server, "nowhere")).await;
        assert_eq!(
            fault(&error),
            Some(&kinesis::Fault::UnknownStream { stream: "nowhere".into() }),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_to_a_stream_that_nobody_made_is_an_error_at_once() {
    for server in both() {
        let texts = streaming_runtime::connect::queue(vec![vec!["a".to_owned()]]);
        let puts = kinesis::append("nowhere").endpoint(&server);
        let mut job = Engine::new().start(sinks::put::Ports { texts, puts }).expect("it starts");
        let ended = tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("it ends");
        let Err(JobError::Sink { source, .. }) = ended else { panic!("{ended:?}") };
        assert!(matches!(fault(&source), Some(kinesis::Fault::UnknownStream { .. })), "{source}");
    }
}
