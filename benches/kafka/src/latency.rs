//! From topic to topic at 10,000 records a second: how long a record takes that is read, and written to another topic as it is.
//!
//! An open loop: each record of 100 bytes has the time it was due, and is written to the first topic without waiting for more. What
//! comes out of the second is read by a consumer of committed records. So a latency is that of two producers and two consumers, and of
//! what is in between: nothing but the loop, by hand; a batch that closes early, of the engine; a transaction a batch, of both.
//!
//! Estimate, before the first run. A record that is produced and consumed takes 1 ms each time, on two cores with the broker: 2 ms
//! by hand, and 0.2 ms more with the engine. A transaction is four round trips, which the broker writes and waits for: 5 ms, during which
//! records gather: 10 ms at the median and 25 ms at the 99th, by hand and with the engine. A checkpoint adds a sync, of 1 ms.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use contenders::measure::{Params, Row, Runs, mix, monotonic_nanos};
use hdrhistogram::Histogram;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    producer::{BaseRecord, FutureProducer, FutureRecord, Producer as _, ThreadedProducer},
};
use streaming_runtime::{
    Checkpoint, Pipeline, Sink,
    connect::{Batch, ConnectorError, kafka},
    prelude::*,
};

use crate::topic::{REQUEST, config, make};

stream!(
    /// Each payload as it is.
    #[batch(secs(1))]
    fn copied<records: Source<kafka::Message>, copies: Sink<Vec<u8>>>() {
        records.map(|record| record.payload.unwrap_or_default()).to(copies);
    }
);

const RATE: u64 = 10_000;

/// Of these in front nothing is counted.
const WARM: u64 = 2 * RATE;

/// Copies from one topic to another until what is returned is called.
type Start = fn(&str, &str, &str) -> Box<dyn FnOnce()>;

const CONTESTANTS: [(&str, Start); 5] = [
    ("rdkafka by hand", |brokers, from, to| copy_by_hand(brokers, from, to, false)),
    ("stream, producer without a transaction", |brokers, from, to| {
        let producer = producer(brokers, &[]).create().expect("a client");
        let copies = Plain { producer, topic: to.to_owned() };
        job(Engine::new(), copied::Ports { records: source(brokers, from), copies }, None)
    }),
    ("rdkafka by hand, transactions", |brokers, from, to| copy_by_hand(brokers, from, to, true)),
    ("stream, kafka::append", |brokers, from, to| {
        let copies = kafka::append(brokers, to).name(to);
        job(Engine::new(), copied::Ports { records: source(brokers, from), copies }, None)
    }),
    ("stream, kafka::append, checkpoint", |brokers, from, to| {
        let copies = kafka::append(brokers, to).name(to);
        let place = std::env::temp_dir().join(format!("bench-{to}"));
        let engine = Engine::new().checkpoint(Checkpoint::new(&place).exactly_once());
        job(engine, copied::Ports { records: source(brokers, from), copies }, Some(place))
    }),
];

pub fn run(brokers: &str, runs: Runs) -> Vec<Row> {
    let counted = RATE * if runs.quick { 3 } else { 15 };
    let mut seen: Vec<_> = CONTESTANTS.iter().map(|_| new_histogram()).collect();
    for run in 0..runs.repeat.div_ceil(2) {
        for ((engine, start), seen) in CONTESTANTS.iter().zip(&mut seen) {
            if !runs.wants(engine) {
                continue;
            }
            let names = ["in", "out"].map(|way| format!("latency-{way}-{run}-{}", monotonic_nanos()));
            for name in &names {
                make(brokers, name, 1);
            }
            let stop = start(brokers, &names[0], &names[1]);
            once(brokers, &names, counted, seen);
            stop();
        }
    }
    let rows = CONTESTANTS.iter().zip(&seen).filter(|(_, seen)| !seen.is_empty());
    rows.map(|((engine, _), seen)| {
        let row = Row {
            workload: "kafka_latency",
            params: Params::from([("bytes", 100.into()), ("records_per_s", RATE.into())]),
            engine,
            workers: 1,
            records: Some(counted),
            ..Row::default()
        };
        row.with_latencies(seen)
    })
    .collect()
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("bounds")
}

/// Sends all and waits until all have come, each once.
fn once(brokers: &str, [from, to]: &[String; 2], counted: u64, seen: &mut Histogram<u64>) {
    let all = WARM + counted;
    let reader: BaseConsumer = reader(brokers, to);
    let (to_feed, from) = (brokers.to_owned(), from.clone());
    let feeder = std::thread::spawn(move || feed(&to_feed, &from, all));
    let mut sum = 0_u64;
    for _ in 0..all {
        let record = reader.poll(REQUEST).expect("it comes in time").expect("it is read");
        let payload = record.payload().expect("it has one");
        let word = |at: usize| u64::from_le_bytes(payload[at..at + 8].try_into().expect("8 bytes"));
        let (due, n) = (word(0), word(8));
        sum = sum.wrapping_add(mix(n));
        if n >= WARM {
            seen.saturating_record(monotonic_nanos().saturating_sub(due));
        }
    }
    assert_eq!(sum, (0..all).map(mix).fold(0, u64::wrapping_add), "each has come once");
    feeder.join().expect("it sends all");
}

/// Sends records when they are due.
fn feed(brokers: &str, topic: &str, records: u64) {
    let producer: ThreadedProducer<_> = producer(brokers, &[]).create().expect("a client");
    let start = monotonic_nanos();
    for n in 0..records {
        let due = start + n * 1_000_000_000 / RATE;
        while let Some(left) = due.checked_sub(monotonic_nanos()).filter(|left| *left > 0) {
            std::thread::sleep(Duration::from_nanos(left));
        }
        let mut payload = [b'.'; 100];
        payload[..8].copy_from_slice(&due.to_le_bytes());
        payload[8..16].copy_from_slice(&n.to_le_bytes());
        let record = BaseRecord::<(), _>::to(topic).payload(&payload[..]).partition(0);
        producer.send(record).map_err(|(error, _)| error).expect("it is taken");
    }
    producer.flush(REQUEST).expect("the broker takes all");
}

/// A producer that does not wait for more.
fn producer(brokers: &str, more: &[(&str, &str)]) -> rdkafka::ClientConfig {
    let mut config = config(brokers);
    config.set("linger.ms", "0").set("enable.idempotence", "true");
    more.iter().for_each(|(key, value)| drop(config.set(*key, *value)));
    config
}

/// A consumer of partition 0, from its beginning, of what is committed.
fn reader(brokers: &str, topic: &str) -> BaseConsumer {
    let mut config = config(brokers);
    config.set("group.id", "by-hand").set("enable.auto.commit", "false").set("isolation.level", "read_committed");
    let consumer: BaseConsumer = config.create().expect("a client");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).expect("an offset");
    consumer.assign(&list).expect("it is there");
    consumer
}

/// The loop. With transactions, each has what is there, and a record of how far it is in a topic of its own.
fn copy_by_hand(brokers: &str, from: &str, to: &str, transactions: bool) -> Box<dyn FnOnce()> {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, consumer, to) = (stop.clone(), reader(brokers, from), to.to_owned());
    let progress = format!("{to}-progress");
    let name: &[(&str, &str)] = if transactions { &[("transactional.id", &to)] } else { &[] };
    let producer: ThreadedProducer<_> = producer(brokers, name).create().expect("a client");
    if transactions {
        make(brokers, &progress, 1);
        producer.init_transactions(REQUEST).expect("the broker answers");
    }
    let copied = std::thread::spawn(move || {
        let send = |payload: &[u8], to: &str| {
            let record = BaseRecord::<(), _>::to(to).payload(payload).partition(0);
            producer.send(record).map_err(|(error, _)| error).expect("it is taken");
        };
        while !stopped.load(Ordering::Relaxed) {
            let Some(first) = consumer.poll(Duration::from_millis(10)) else { continue };
            if transactions {
                producer.begin_transaction().expect("none is open");
            }
            let mut next = Some(first);
            while let Some(record) = next {
                send(record.expect("it is read").payload().expect("it has one"), &to);
                next = if transactions { consumer.poll(Duration::ZERO) } else { None };
            }
            if transactions {
                send(b"an offset", &progress);
                producer.commit_transaction(REQUEST).expect("the broker answers");
            }
        }
    });
    Box::new(move || {
        stop.store(true, Ordering::Relaxed);
        copied.join().expect("it copies");
    })
}

/// Writes a batch, and waits until the broker has all of it.
struct Plain {
    producer: FutureProducer,
    topic: String,
}

impl Sink<Vec<u8>> for Plain {
    const MAY_BLOCK: bool = false;
    async fn write(&mut self, batch: Batch<Vec<u8>>) -> Result<(), ConnectorError> {
        let send = |payload| {
            let record = FutureRecord::<(), _>::to(&self.topic).payload(payload).partition(0);
            self.producer.send_result(record).map_err(|(error, _)| ConnectorError::other(error))
        };
        let sent = batch.records.iter().map(send).collect::<Result<Vec<_>, _>>()?;
        for sent in sent {
            let delivered = sent.await.map_err(ConnectorError::other)?;
            delivered.map_err(|(error, _)| ConnectorError::other(error))?;
        }
        Ok(())
    }
}

fn source(brokers: &str, topic: &str) -> kafka::Topics {
    kafka::topic(brokers, topic)
}

/// A job on a runtime of its own, whose batches close when there is nothing more to take in.
fn job(engine: Engine, ports: impl Pipeline, place: Option<PathBuf>) -> Box<dyn FnOnce()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let started = runtime.block_on(async { engine.close_early(true).start(ports) });
    let mut job = started.expect("it starts");
    Box::new(move || {
        runtime.block_on(job.stop()).expect("it ends well");
        drop((job, runtime));
        if let Some(place) = place {
            std::fs::remove_dir_all(place).expect("it is there");
        }
    })
}
