//! A topic to a count and a checksum of what it has, with 1 partition and 8, records of 100 bytes without a key.
//!
//! The loop by hand polls one consumer of all partitions and adds up what it borrows. The engine makes records of its own, sends them
//! to a worker and adds them up there; as messages with their place and key, and as texts.
//!
//! Estimate, before the first run. librdkafka needs some 150 ns a record to fetch and check it, on threads of its own, and 150 ns to
//! hand it out; so the loop takes 3 M/s where the broker has a core of its own, and half of that here. The engine adds two
//! allocations and the way to the worker, 100 ns in the thread that hands out, and 50 ns in the worker: 0.8 of the loop with the
//! broker on the same two cores.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use contenders::measure::{Contender, Output, Params, Row, Runs, in_turn};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use streaming_runtime::{
    Pipeline, Sink,
    connect::{Batch, ConnectorError, kafka},
    prelude::*,
};
use tokio::runtime::Runtime;

use crate::topic::{REQUEST, config, ends, fill as fill_topic, sum_of};

stream!(
    /// How many messages, and the sum over them.
    #[batch(millis(100))]
    fn count_messages<records: Source<kafka::Message>, sums: Sink<(u64, u64)>>() {
        let sums_of = records.map(|record| (1, sum_of(record.payload.as_deref().unwrap_or_default())));
        sums_of.reduce(|(n, a), (m, b)| (n + m, a.wrapping_add(b))).to(sums);
    }
);

stream!(
    /// How many texts, and the sum over them.
    #[batch(millis(100))]
    fn count_texts<records: Source<String>, sums: Sink<(u64, u64)>>() {
        let sums_of = records.map(|record| (1, sum_of(record.as_bytes())));
        sums_of.reduce(|(n, a), (m, b)| (n + m, a.wrapping_add(b))).to(sums);
    }
);

/// Adds up what comes.
#[derive(Clone, Default)]
struct Total(Arc<(AtomicU64, AtomicU64)>);

impl Total {
    /// One number for both.
    fn checksum(&self) -> u64 {
        let (records, sum) = &*self.0;
        sum.load(Ordering::Relaxed).wrapping_add(records.load(Ordering::Relaxed))
    }
}

impl Sink<(u64, u64)> for Total {
    const MAY_BLOCK: bool = false;
    async fn write(&mut self, batch: Batch<(u64, u64)>) -> Result<(), ConnectorError> {
        for (records, sum) in batch.records {
            self.0.0.fetch_add(records, Ordering::Relaxed);
            self.0.1.fetch_add(sum, Ordering::Relaxed);
        }
        Ok(())
    }
}

const PARTITIONS: [i32; 2] = [1, 8];

fn records(runs: Runs) -> u64 {
    if runs.quick { 500_000 } else { 5_000_000 }
}

fn topic(partitions: i32, records: u64) -> String {
    format!("bench-{partitions}-{records}")
}

/// Fills the topics, and says what they are called.
pub fn fill(brokers: &str, runs: Runs) {
    for partitions in PARTITIONS {
        let topic = topic(partitions, records(runs));
        fill_topic(brokers, &topic, partitions, records(runs));
        println!("{topic}");
    }
}

pub fn run(brokers: &str, runs: Runs) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    // To the end of the program, as what is timed is given out.
    let (runtime, brokers) =
        (&*Box::leak(Box::new(runtime.expect("a runtime"))), &*brokers.to_owned().leak());
    let mut rows = Vec::new();
    for partitions in PARTITIONS {
        if !runs.wants(&format!("{partitions} partitions")) {
            continue;
        }
        let (records, topic) = (records(runs), &*topic(partitions, records(runs)).leak());
        fill_topic(brokers, topic, partitions, records);
        let source = move || kafka::topic(brokers, topic).until_latest();
        let contenders = [
            contender("rdkafka by hand", move || read_by_hand(brokers, topic, partitions)),
            contender("stream, messages", move || {
                count(runtime, |sums| count_messages::Ports { records: source(), sums })
            }),
            contender("stream, texts", move || {
                count(runtime, |sums| count_texts::Ports { records: source().texts(), sums })
            }),
        ];
        let params = Params::from([("bytes", 100.into()), ("partitions", partitions.into())]);
        rows.extend(in_turn("kafka_source", params, records, runs, &contenders));
    }
    rows
}

fn contender<'a>(engine: &'static str, run: impl Fn() -> Output + Copy + 'static) -> Contender<'a> {
    Contender { engine, workers: 1, set_up: Box::new(move || Box::new(run)) }
}

/// Runs a pipeline to its end.
fn count<P: Pipeline>(runtime: &Runtime, ports: impl FnOnce(Total) -> P) -> Output {
    let total = Total::default();
    runtime.block_on(async {
        let mut job = Engine::new().start(ports(total.clone())).expect("it starts");
        job.join().await.expect("it ends well");
    });
    Box::new(move || total.checksum())
}

/// The same with nothing but a consumer.
fn read_by_hand(brokers: &str, topic: &str, partitions: i32) -> Output {
    let mut config = config(brokers);
    // What the engine's source has: what is committed, and as much in memory.
    config
        .set("group.id", "by-hand")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed");
    config.set("queued.max.messages.kbytes", "16384").set("fetch.queue.backoff.ms", "10");
    let consumer: BaseConsumer = config.create().expect("a client");
    let mut list = TopicPartitionList::new();
    let mut missing: i64 = 0;
    for (partition, (low, high)) in (0..).zip(ends(brokers, topic, partitions)) {
        list.add_partition_offset(topic, partition, Offset::Offset(low)).expect("an offset");
        missing += high - low;
    }
    consumer.assign(&list).expect("it is there");
    let total = Total::default();
    let (mut records, mut sum) = (0_u64, 0_u64);
    while missing > 0 {
        let message = consumer.poll(REQUEST).expect("it comes in time").expect("it is read");
        records += 1;
        sum = sum.wrapping_add(sum_of(message.payload().unwrap_or_default()));
        missing -= 1;
    }
    total.0.0.store(records, Ordering::Relaxed);
    total.0.1.store(sum, Ordering::Relaxed);
    Box::new(move || total.checksum())
}
