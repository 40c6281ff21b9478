//! Topics of a real broker as sources. Run by `scripts/servers run kafka -- cargo test -p tests --features kafka --test kafka`; what is
//! written comes from a client that is not ours.

mod away;
mod faults;
mod partitions;
mod positions;
mod reading;

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use streaming_runtime::{
    Checkpoint, Job, JobError,
    connect::{Batch, ConnectorError, Retry, collect, kafka},
    prelude::*,
};
use support::{
    Lasting,
    servers::{self, SERVERS, unique as name},
};

stream!(
    /// Each record, as text.
    #[batch(millis(50))]
    pub fn copy<texts: Source<String>, copies: Sink<String>>() {
        texts.map(|text| text).to(copies);
    }
);

/// The broker, or a line that says what is not run.
fn broker() -> Option<String> {
    let broker = env::var("KAFKA").ok();
    let is_required = servers::are_required();
    assert!(broker.is_some() || !is_required, "KAFKA names no broker, and STREAMING_SERVERS_REQUIRED is 1");
    if broker.is_none() {
        eprintln!(
            "not run, for want of a broker: scripts/servers run kafka -- cargo test -p tests --features kafka --test kafka"
        );
    }
    broker
}

/// What every script begins with.
const PRELUDE: &str = "
import sys, time
from confluent_kafka import Consumer, Producer, TopicPartition, TIMESTAMP_NOT_AVAILABLE, admin as a
broker, topic = sys.argv[1:3]
admin = a.AdminClient({'bootstrap.servers': broker})
producer = Producer({'bootstrap.servers': broker, 'message.max.bytes': 2000000})
def create(n, name=topic, **config):
    new = a.NewTopic(name, n, 1, config={k.replace('_', '.'): v for k, v in config.items()})
    [f.result() for f in admin.create_topics([new]).values()]
def delete(name=topic):
    [f.result() for f in admin.delete_topics([name]).values()]
    while name in admin.list_topics().topics: time.sleep(0.05)
def send(numbers, partitions=1, name=topic, **more):
    for i in numbers:
        producer.produce(name, str(i).encode(), partition=i % partitions, **more)
        producer.poll(0)
    assert producer.flush(60) == 0
def consumer(group='oracle', **more):
    more = {k.replace('_', '.'): v for k, v in more.items()}
    return Consumer({'bootstrap.servers': broker, 'group.id': group, 'enable.auto.commit': False, **more})
";

/// Runs a script with confluent-kafka, and returns what it prints.
fn python(broker: &str, topic: &str, script: &str) -> String {
    let script = format!("{PRELUDE}{script}");
    servers::script(&["python", "-c", &script, broker, topic]).trim().to_owned()
}

/// The same beside a job that runs.
async fn python_beside(broker: &str, topic: &str, script: &'static str) -> String {
    let (broker, topic) = (broker.to_owned(), topic.to_owned());
    let done = tokio::task::spawn_blocking(move || python(&broker, &topic, script));
    done.await.expect("it does not panic")
}

/// A script that goes on when its input is closed; it has come so far as to print a line.
fn held_python(broker: &str, topic: &str, script: &str) -> Child {
    let script = format!("{PRELUDE}{script}");
    let mut held = Command::new(SERVERS)
        .args(["python", "-c", &script, broker, topic])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let mut line = String::new();
    let said = BufReader::new(held.stdout.take().expect("it is piped")).read_line(&mut line);
    assert!(said.expect("it says a line") > 0, "it ended");
    held
}

/// What the first sink of a job is said to wait for.
fn explained(job: &Job) -> String {
    job.explain()[0].to_string()
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

async fn wait_for(met: impl FnMut() -> bool) {
    servers::within(Duration::from_secs(60), met).await;
}
