//! Topics of a real broker as sinks. Run by `scripts/servers run kafka -- cargo test -p tests --features kafka --test kafka_sink`; what was
//! written is read by a client that is not ours, and reads only what is committed.

mod away;
mod children;
mod faults;
mod kills;
mod records;
mod restarts;
mod zombie;

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use serde::Deserialize;
use streaming_runtime::{
    Job, JobError,
    connect::{ConnectorError, kafka},
    prelude::*,
};
use support::servers::{self, unique as name};

stream!(
    /// Each record, as it comes.
    #[batch(millis(20))]
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
            "not run, for want of a broker: scripts/servers run kafka -- cargo test -p tests --features kafka --test kafka_sink"
        );
    }
    broker
}

/// What every script begins with.
const PRELUDE: &str = "
import sys, time, json
from confluent_kafka import Consumer, Producer, TopicPartition, KafkaError, OFFSET_BEGINNING, admin as a
broker, topic = sys.argv[1:3]
admin = a.AdminClient({'bootstrap.servers': broker})
def create(n, name=topic, **config):
    new = a.NewTopic(name, n, 1, config={k.replace('_', '.'): v for k, v in config.items()})
    [f.result() for f in admin.create_topics([new]).values()]
def send(numbers, partitions=1, name=topic, text=str):
    producer = Producer({'bootstrap.servers': broker})
    for i in numbers:
        producer.produce(name, text(i).encode(), partition=i % partitions)
        producer.poll(0)
    assert producer.flush(60) == 0
def committed(name=topic):
    consumer = Consumer({'bootstrap.servers': broker, 'group.id': 'oracle', 'enable.auto.commit': False, 'fetch.message.max.bytes': 4000000,
        'isolation.level': 'read_committed', 'enable.partition.eof': True, 'auto.offset.reset': 'earliest'})
    partitions = consumer.list_topics(name).topics[name].partitions
    # What is committed now: others may be writing on.
    ends = {p: consumer.get_watermark_offsets(TopicPartition(name, p), timeout=30)[1] for p in partitions}
    consumer.assign([TopicPartition(name, p, OFFSET_BEGINNING) for p in partitions])
    left, limit = set(partitions), time.time() + 120
    while left:
        assert time.time() < limit, 'the end does not come'
        message = consumer.poll(1)
        if message is None: continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            left.discard(message.partition())
        elif message.offset() >= ends[message.partition()]: left.discard(message.partition())
        else: yield message
    consumer.close()
def text(bytes): return None if bytes is None else bytes.decode()
";

/// Runs a script with confluent-kafka, and returns what it prints.
fn python(broker: &str, topic: &str, script: &str) -> String {
    let script = format!("{PRELUDE}{script}");
    servers::script(&["python", "-c", &script, broker, topic])
}

/// A record that another client has read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Read {
    partition: u32,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, String)>,
    timestamp: i64,
}

/// What is committed in a topic, partition by partition in order.
fn committed(broker: &str, topic: &str) -> Vec<Read> {
    let script = "for m in committed():\n    \
        print(json.dumps({'partition': m.partition(), 'key': text(m.key()), 'value': text(m.value()), \
        'headers': [(k, text(v)) for k, v in m.headers() or []], 'timestamp': m.timestamp()[1]}))\n";
    let printed = python(broker, topic, script);
    let mut read: Vec<Read> =
        printed.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    read.sort_by_key(|read| read.partition);
    read
}

/// The values of a topic.
fn values(broker: &str, topic: &str) -> Vec<String> {
    committed(broker, topic).into_iter().map(|read| read.value.expect("no tombstone")).collect()
}

/// The error of the sink, with which a job ends.
async fn sink_error(job: &mut Job) -> ConnectorError {
    match job.join().await.expect_err("it ends with an error") {
        JobError::Sink { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// What the brokers said.
fn fault(error: &ConnectorError) -> Option<kafka::Fault> {
    let ConnectorError::Io { source, .. } = error else { return None };
    source.get_ref()?.downcast_ref().cloned()
}

async fn wait_for(met: impl FnMut() -> bool) {
    servers::within(Duration::from_secs(120), met).await;
}
