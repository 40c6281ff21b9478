//! Agents before a job.

use super::*;

/// An agent empties a directory into a job.
async fn receives(name: &'static str, source: flume::Listen, (kind, more): (&'static str, &'static str)) {
    if !has_agents() {
        return;
    }
    let directory = tempfile::tempdir().expect("temp");
    let state = directory.path().join("state");
    let (port, connections) = (source.local_addr().port(), source.connections());
    let (copies, collected) = collect();
    let engine = Engine::new().checkpoint(streaming_runtime::Checkpoint::new(&state));
    let mut job = engine.start(copy::Ports { events: source, copies }).expect("it starts");
    let spooled = directory.path().join("spool");
    spool(&spooled, 0..2_000);
    let agent = tokio::task::spawn_blocking(move || Agent::spooling(name, &spooled, (kind, port, more)));
    let agent = agent.await.expect("it starts");
    let begin = Instant::now();
    while connections.answered() < 40 {
        assert!(begin.elapsed() < Duration::from_secs(60), "{connections:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = collected.records();
    // What was answered was delivered: the sink has it.
    assert_eq!(counted(events.iter().map(flume::Event::text)), once(0..2_000));
    assert!(events.iter().all(|event| event.headers["basename"] == "lines"));
    assert_eq!((connections.malformed(), connections.broken(), connections.failed()), (0, 0, 0));
    assert_eq!(connections.open(), connections.accepted() as usize);
    drop(agent);
    job.stop().await.expect("it ends well");
}

fn avro() -> flume::Listen {
    flume::listen_avro("127.0.0.1:0").expect("a free port")
}

fn thrift() -> flume::Listen {
    flume::listen_thrift("127.0.0.1:0").expect("a free port")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sends_by_avro() {
    receives("by-avro", avro(), ("avro", "")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sends_by_thrift() {
    receives("by-thrift", thrift(), ("thrift", "sinks.job.connection-pool-size = 1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sends_by_thrift_in_binary() {
    receives("by-binary", thrift(), ("thrift", "sinks.job.protocol = binary")).await;
}
