//! Numbers into a topic of 4 partitions, as records of 100 bytes without a key, a transaction for each batch of 1,000 or 10,000.
//!
//! The loop by hand has the same settings and batches and one producer. It commits as the documentation of rdkafka says, or waits first until
//! the brokers have all records: rdkafka's own wait is in steps of up to a tenth of a second. The engine takes batches from a queue,
//! and its sink also writes its progress in each transaction. All include making their clients and taking over the transactional id.
//!
//! Estimate, before the first run. A transaction costs some 5 ms of requests that follow each other: the first for its partitions, the
//! records, the commit. A record costs 400 ns to copy and send in librdkafka, and the broker as much on the same two cores. So batches of
//! 1,000 are bound by the requests, 150 k/s, and those of 10,000 by the records, 700 k/s. The engine adds an allocation a record, the
//! way through a worker, and a partition more in each transaction: 0.85 of the loop.

use std::time::Duration;

use contenders::measure::{Contender, Output, Params, Row, Runs, in_turn, mix};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, Producer as _, ThreadedProducer},
};
use streaming_runtime::{
    ManualClock,
    connect::{kafka, queue},
    prelude::*,
};
use tokio::runtime::Runtime;

use crate::topic::{REQUEST, config, ends, sum_of};

stream!(
    /// As they come.
    #[batch(secs(1))]
    fn pass<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.to(out);
    }
);

const PARTITIONS: i32 = 4;

/// A record of this number.
fn payload(n: u64) -> [u8; 100] {
    let mut payload = [b'.'; 100];
    payload[..8].copy_from_slice(&mix(n).to_le_bytes());
    payload
}

fn create(brokers: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config(brokers).create().expect("a client");
    let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let made = runtime.block_on(admin.create_topics([&new], &AdminOptions::new()));
    match made.expect("the broker answers").pop().expect("of one topic") {
        Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
        Err((_, code)) => panic!("cannot make topic `{topic}`: {code}"),
    }
    // One that was just made is not known at once.
    let consumer: BaseConsumer = config(brokers).create().expect("a client");
    let until = std::time::Instant::now() + REQUEST;
    let is_known = |partition| consumer.fetch_watermarks(topic, partition, REQUEST).is_ok();
    while !(0..PARTITIONS).all(is_known) {
        assert!(std::time::Instant::now() < until, "topic `{topic}` does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is committed from these offsets on: a sum over its records, and how many there are.
fn committed(brokers: &str, topic: &str, from: &[(i64, i64)]) -> u64 {
    let mut config = config(brokers);
    config.set("group.id", "sum").set("enable.auto.commit", "false").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.set("isolation.level", "read_committed").create().expect("a client");
    let mut list = TopicPartitionList::new();
    for (partition, (_, end)) in (0..).zip(from) {
        list.add_partition_offset(topic, partition, Offset::Offset(*end)).expect("an offset");
    }
    consumer.assign(&list).expect("it is there");
    let (mut left, mut sum) = (from.len(), 0_u64);
    while left > 0 {
        match consumer.poll(REQUEST).expect("it comes in time") {
            Ok(message) => {
                sum = sum.wrapping_add(sum_of(message.payload().unwrap_or_default())).wrapping_add(1)
            }
            Err(KafkaError::PartitionEOF(_)) => left -= 1,
            Err(error) => panic!("{error}"),
        }
    }
    sum
}

pub fn run(brokers: &str, runs: Runs) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    // To the end of the program, as what is timed is given out.
    let (runtime, brokers) =
        (&*Box::leak(Box::new(runtime.expect("a runtime"))), &*brokers.to_owned().leak());
    let topic = "bench-sink";
    create(brokers, topic);
    let mut rows = Vec::new();
    for (batch, batches) in [(1_000_u64, 300_u64), (10_000, 150)] {
        if !runs.wants(&format!("batches of {batch}")) {
            continue;
        }
        let batches = if runs.quick { batches / 10 } else { batches };
        let shape = (batch, batches);
        let contenders = [
            contender(brokers, topic, "rdkafka by hand, waits for records", move || {
                by_hand(brokers, topic, shape, true)
            }),
            contender(brokers, topic, "rdkafka by hand", move || by_hand(brokers, topic, shape, false)),
            contender(brokers, topic, "stream", move || stream(runtime, brokers, topic, shape)),
        ];
        let params =
            Params::from([("bytes", 100.into()), ("batch", batch.into()), ("partitions", PARTITIONS.into())]);
        rows.extend(in_turn("kafka_sink", params, batch * batches, runs, &contenders));
    }
    rows
}

/// What is written in a run is summed up when it was timed.
fn contender<'a>(
    brokers: &'static str,
    topic: &'static str,
    engine: &'static str,
    run: impl Fn() + Copy + 'static,
) -> Contender<'a> {
    let set_up = move || {
        let from = ends(brokers, topic, PARTITIONS);
        let timed: Box<dyn FnOnce() -> Output> = Box::new(move || {
            run();
            Box::new(move || committed(brokers, topic, &from))
        });
        timed
    };
    Contender { engine, workers: 1, set_up: Box::new(set_up) }
}

/// A pipeline from a queue of batches.
fn stream(runtime: &Runtime, brokers: &str, topic: &str, (batch, batches): (u64, u64)) {
    let numbers = (0..batches).map(|nth| (nth * batch..(nth + 1) * batch).collect()).collect();
    let clock = ManualClock::new();
    // Each run is a job of its own, whose batches have the times of those before.
    let name = format!("bench-{}", std::time::UNIX_EPOCH.elapsed().expect("it is later").as_nanos());
    let out = kafka::append(brokers, topic).name(name).progress_topic("bench-progress");
    let out = out.format(|n: u64| payload(n).to_vec());
    runtime.block_on(async {
        let engine = Engine::new().manual_clock(&clock);
        let mut job = engine.start(pass::Ports { numbers: queue(numbers), out }).expect("it starts");
        clock.advance(secs(batches));
        job.join().await.expect("it ends well");
    });
}

/// The same with nothing but a producer.
fn by_hand(brokers: &str, topic: &str, (batch, batches): (u64, u64), waits: bool) {
    let mut config: ClientConfig = config(brokers);
    // What the engine's sink has.
    config.set("transactional.id", "by-hand").set("linger.ms", "2").set("partitioner", "murmur2_random");
    let producer: ThreadedProducer<_> = config.create().expect("a client");
    producer.init_transactions(REQUEST).expect("the broker answers");
    for nth in 0..batches {
        producer.begin_transaction().expect("it is ready");
        for n in nth * batch..(nth + 1) * batch {
            let payload = payload(n);
            let mut record = BaseRecord::<(), [u8]>::to(topic).payload(&payload[..]);
            while let Err((error, back)) = producer.send(record) {
                assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                std::thread::sleep(Duration::from_millis(1));
                record = back;
            }
        }
        while waits && producer.in_flight_count() > 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
        producer.commit_transaction(REQUEST).expect("it is committed");
    }
}
