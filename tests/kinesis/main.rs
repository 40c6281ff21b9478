//! Streams of real servers as sources and sinks. Run by `scripts/servers run kinesis moto -- cargo test -p tests --features kinesis --test
//! kinesis`; what is written, and what a sink has written, comes by a client that is not ours.

mod faults;
mod positions;
mod reading;
mod sinks;

use std::{
    env,
    time::{Duration, Instant},
};

use streaming_runtime::{
    Checkpoint, Job, JobError,
    connect::{ConnectorError, Retry, collect, kinesis},
    prelude::*,
};
use support::{
    Lasting,
    servers::{self, unique as name},
};

stream!(
    /// Each record, as text.
    #[batch(millis(50))]
    pub fn copy<texts: Source<String>, copies: Sink<String>>() {
        texts.map(|text| text).to(copies);
    }
);

/// The servers, or a line that says what is not run. Closed shards of kinesalite have an end, as at AWS; those of moto have none.
fn both() -> Vec<String> {
    let servers: Vec<String> = ["KINESIS", "MOTO"].iter().filter_map(|key| env::var(key).ok()).collect();
    let is_required = servers::are_required();
    assert!(
        servers.len() == 2 || !is_required,
        "KINESIS and MOTO name no servers, and STREAMING_SERVERS_REQUIRED is 1"
    );
    if servers.len() < 2 {
        eprintln!(
            "not run, for want of a server: scripts/servers run kinesis moto -- cargo test -p tests --features kinesis --test kinesis"
        );
    }
    servers
}

/// What every script begins with.
const PRELUDE: &str = "
import boto3, hashlib, sys, time
address, stream = sys.argv[1:3]
client = boto3.client('kinesis', endpoint_url=address)
def active(name=stream):
    while client.describe_stream(StreamName=name)['StreamDescription']['StreamStatus'] != 'ACTIVE': time.sleep(0.05)
def create(n):
    client.create_stream(StreamName=stream, ShardCount=n); active()
def send(numbers):
    numbers = list(numbers)
    for at in range(0, len(numbers), 500):
        entries = [{'Data': str(n).encode(), 'PartitionKey': str(n)} for n in numbers[at:at + 500]]
        while entries:
            answer = client.put_records(StreamName=stream, Records=entries)
            entries = [entry for entry, result in zip(entries, answer['Records']) if 'ErrorCode' in result]
def shards():
    return client.list_shards(StreamName=stream)['Shards']
def open_shards():
    found = [shard for shard in shards() if 'EndingSequenceNumber' not in shard['SequenceNumberRange']]
    return sorted(found, key=lambda shard: int(shard['HashKeyRange']['StartingHashKey']))
def split(shard):
    low, high = (int(shard['HashKeyRange'][key]) for key in ('StartingHashKey', 'EndingHashKey'))
    client.split_shard(StreamName=stream, ShardToSplit=shard['ShardId'], NewStartingHashKey=str((low + high) // 2)); active()
def merge(one, other):
    client.merge_shards(StreamName=stream, ShardToMerge=one['ShardId'], AdjacentShardToMerge=other['ShardId']); active()
def drain():
    got = []
    for shard in shards():
        at = client.get_shard_iterator(StreamName=stream, ShardId=shard['ShardId'], ShardIteratorType='TRIM_HORIZON')['ShardIterator']
        while at:
            answer = client.get_records(ShardIterator=at)
            if not answer['Records']: break
            got += answer['Records']; at = answer.get('NextShardIterator')
    return got
";

/// Runs a script with boto3, and returns what it prints.
fn python(server: &str, stream: &str, script: &str) -> String {
    let script = format!("{PRELUDE}{script}");
    servers::script(&["python", "-c", &script, server, stream]).trim().to_owned()
}

/// The same beside a job that runs.
async fn python_beside(server: &str, stream: &str, script: &'static str) -> String {
    let (server, stream) = (server.to_owned(), stream.to_owned());
    let done = tokio::task::spawn_blocking(move || python(&server, &stream, script));
    done.await.expect("it does not panic")
}

/// What the first sink of a job is said to wait for.
fn explained(job: &Job) -> String {
    job.explain()[0].to_string()
}

/// A source that asks more often than AWS would answer.
fn source(server: &str, stream: &str) -> kinesis::Shards {
    kinesis::stream(stream).endpoint(server).poll_every(millis(20)).discover_every(millis(200))
}

/// All numbers from 0 on, as `Lasting` has them.
fn numbers(count: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..count).map(|n| format!("{:?}", n.to_string())).collect();
    all.sort();
    all
}

/// What a sink has, in order.
fn delivered(copies: &Lasting) -> Vec<String> {
    let mut got: Vec<String> = copies.delivered().into_values().flatten().collect();
    got.sort();
    got
}

async fn source_error(source: kinesis::Shards) -> ConnectorError {
    let (copies, _collected) = collect();
    let mut job = Engine::new().start(copy::Ports { texts: source.texts(), copies }).expect("it starts");
    let ended = tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("it ends");
    match ended.expect_err("it ends with an error") {
        JobError::Source { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// What Kinesis said.
fn fault(error: &ConnectorError) -> Option<&kinesis::Fault> {
    let ConnectorError::Io { source, .. } = error else { return None };
    source.get_ref()?.downcast_ref()
}

async fn wait_for(met: impl FnMut() -> bool) {
    servers::within(Duration::from_secs(60), met).await;
}
