//! Topics to read, and what is added up of their records.

use std::time::Duration;

use contenders::measure::mix;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, Producer as _, ThreadedProducer},
};

/// How long one request to a broker on this machine may take.
pub const REQUEST: Duration = Duration::from_secs(30);

/// Bytes of a record.
const LENGTH: usize = 100;

/// What a record of these bytes adds to a checksum: a mix of its first 8 bytes, which is easily made in any language.
pub fn sum_of(payload: &[u8]) -> u64 {
    mix(payload.first_chunk().map_or(0, |first| u64::from_le_bytes(*first)))
}

/// A client's settings.
pub fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

/// The first offset of each partition, and its end.
pub fn ends(brokers: &str, topic: &str, partitions: i32) -> Vec<(i64, i64)> {
    let consumer: BaseConsumer = config(brokers).create().expect("a client");
    let ends = |partition| consumer.fetch_watermarks(topic, partition, REQUEST).expect("the broker answers");
    (0..partitions).map(ends).collect()
}

/// Makes a topic, unless there is one: whether it did.
pub fn make(brokers: &str, topic: &str, partitions: i32) -> bool {
    let admin: AdminClient<DefaultClientContext> = config(brokers).create().expect("a client");
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let made = runtime.block_on(admin.create_topics([&new], &AdminOptions::new()));
    match made.expect("the broker answers").pop().expect("of one topic") {
        Ok(_) => true,
        Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => false,
        Err((_, code)) => panic!("cannot make topic `{topic}`: {code}"),
    }
}

/// Makes a topic if there is none, and fills it with so many records of 100 letters, an equal part to each partition.
pub fn fill(brokers: &str, topic: &str, partitions: i32, records: u64) {
    if !make(brokers, topic, partitions) {
        return;
    }
    let mut config = config(brokers);
    config.set("linger.ms", "20").set("batch.size", "1000000").set("queue.buffering.max.messages", "1000000");
    let producer: ThreadedProducer<_> = config.create().expect("a client");
    for n in 0..records {
        let payload = format!("{:016x}{:.<width$}", mix(n), "", width = LENGTH - 16);
        let partition = (n % partitions as u64) as i32;
        let mut record = BaseRecord::<(), _>::to(topic).payload(&payload).partition(partition);
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(
                error,
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull),
                "the broker takes it"
            );
            std::thread::sleep(Duration::from_millis(1));
            record = back;
        }
    }
    producer.flush(REQUEST * 10).expect("the broker takes all");
    let there: i64 = ends(brokers, topic, partitions).iter().map(|(low, high)| high - low).sum();
    assert_eq!(there as u64, records, "the topic has all, once");
}
