//! Agents behind a job.

use super::*;

stream!(
    /// Each text.
    #[batch(millis(50))]
    pub fn texts<lines: Source<String>, copies: Sink<String>>() {
        lines.map(|line| line).to(copies);
    }
);

/// An agent with a source of this type that writes what it gets into files, and the name of the file as a header says.
fn keeping(name: &str, kind: &str) -> Agent {
    Agent::start(
        name,
        &format!(
            "sources = remote
            channels = kept
            sinks = files
            sources.remote.type = {kind}
            sources.remote.bind = 127.0.0.1
            sources.remote.port = ${{port:IN}}
            sources.remote.channels = kept
            channels.kept.type = memory
            channels.kept.capacity = 10000
            channels.kept.transactionCapacity = 1000
            sinks.files.type = file_roll
            sinks.files.sink.directory = ${{dir}}/out
            sinks.files.sink.rollInterval = 0
            sinks.files.sink.serializer = HEADER_AND_TEXT
            sinks.files.channel = kept"
        ),
    )
}

/// 2,500 events go to an agent, which is away for a while.
async fn sends(name: &'static str, kind: &'static str, to: fn(String) -> flume::Remote) {
    if !has_agents() {
        return;
    }
    let agent = tokio::task::spawn_blocking(move || keeping(name, kind)).await.expect("it starts");
    let sink = to(agent.keys["IN"].clone()).batch_size(400);
    let sink =
        sink.format(|line: String| flume::Event::new(line).header("kind", "test").header("naïve", "ü"));
    let batches: Vec<Vec<String>> =
        (0..5).map(|b| (500 * b..500 * (b + 1)).map(|n| format!("line {n}")).collect()).collect();
    let mut job =
        Engine::new().start(texts::Ports { lines: queue(batches), copies: sink }).expect("it starts");
    job.join().await.expect("it ends well");
    let check = move || {
        wait("all lines", || agent.lines().len() >= 2_500);
        let lines = agent.lines();
        assert!(lines[0].contains("kind=test") && lines[0].contains("ü"), "{}", lines[0]);
        let texts =
            lines.iter().map(|line| line.rsplit_once("} ").expect("headers, and a body").1.to_owned());
        assert_eq!(counted(texts), once(0..2_500));
    };
    tokio::task::spawn_blocking(check).await.expect("all are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_sends_by_avro() {
    sends("to-avro", "avro", flume::to_avro).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_sends_by_thrift() {
    sends("to-thrift", "thrift", flume::to_thrift).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_away_is_named_after_the_last_attempt() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let address = nobody.expect("a free port").to_string();
    let retry = streaming_runtime::connect::Retry::default().waits(millis(1), millis(2)).attempts(3);
    let sink = flume::to_avro(address.clone()).retry(retry);
    let ports = texts::Ports { lines: queue(vec![vec!["a".to_owned()]]), copies: sink };
    let error = Engine::new().start(ports).expect("it starts").join().await.expect_err("nobody is there");
    let said = error.to_string();
    assert!(said.contains(&address) && said.contains("3 attempts"), "{said}");
}
