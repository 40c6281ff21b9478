//! Topics of Kafka as sources and sinks. Each record is there exactly once, also after a crash.
//!
//! ```no_run
//! use streaming_runtime::{connect::{console, kafka}, prelude::*};
//!
//! stream!(
//!     /// Words of each batch.
//!     #[batch(secs(1))]
//!     pub fn words<texts: Source<String>, counts: Sink<(String, i64)>>() {
//!         texts.flat_map(|text| text.split_whitespace().map(str::to_owned)).count_by_value().to(counts);
//!     }
//! );
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut job = Engine::new().start(words::Ports {
//!     texts: kafka::topic("127.0.0.1:9092", "texts").texts(),
//!     counts: console(),
//! })?;
//! job.join().await?;
//! # Ok(()) }
//! ```
//!
//! # Partitions and positions
//!
//! A partition is called `topic/number`. Positions are in the job's checkpoint: no consumer group has a say in them, and processes of a
//! cluster share the partitions by their names. New partitions are looked for [every 30 s](Topics::discover_every), and read from their
//! beginning. Only what is committed is read, unless the [option](Topics::option) `isolation.level` says otherwise.
//!
//! What is delivered is committed to a [group](Topics::group) as well, for tools that show its lag. A job begins there only if it is
//! [told so](Topics::from_committed) and its checkpoint knows nothing better.
//!
//! What waits in memory is bounded: up to 16 MiB for each partition (`queued.max.messages.kbytes`), beyond which it is not fetched.
//!
//! # Sinks
//!
//! | sink | takes | a batch |
//! |---|---|---|
//! | [`append`] | any stream | adds its records |
//! | [`changes`] | the [`changes`](crate::Stream::changes) of a window or a table | adds each change, with a header that says how often it came or went |
//! | [`upserts`] | those of a stream with one value a key | adds the new value of each key that has changed, or a tombstone |
//!
//! A batch with records is one transaction, with a record that says how far the sink is, in a compacted topic of the job's. A
//! consumer with `isolation.level=read_committed` sees each record once. A job that goes on first takes over from earlier processes,
//! which then commit nothing any more, and then reads how far they came. An empty batch writes nothing.
//!
//! # Errors
//!
//! | what | error |
//! |---|---|
//! | no broker answers, at the start or later | asked again by [`Retry`](crate::connect::Retry), then [`Unreachable`](crate::connect::ConnectorError::Unreachable) |
//! | no such topic | [`Fault::UnknownTopic`], after four answers within 2 s |
//! | a topic is deleted that is named | [`Fault::Gone`] |
//! | a topic is deleted that a pattern matches | it is left, with a warning |
//! | the records at a position are gone | [`Fault::LostOffsets`], or as [`on_lost_offsets`](Topics::on_lost_offsets) says |
//! | a batch runs again, and the topic has other records for it | [`Changed`](crate::connect::ConnectorError::Changed), by position, by number or by a checksum |
//! | the group's offsets cannot be committed | none: a warning, and the event `kafka failed commits` in the metrics |
//! | a right is missing | [`Fault::Forbidden`] |
//! | a transaction fails, or is not done in time | it is aborted, and its batch written again by [`retry`](TopicSink::retry) |
//! | another process writes as this sink | [`Fault::Fenced`] |
//! | a record that the topic does not take | [`Fault::TooLarge`], [`Fault::NoPartition`], [`Fault::Refused`]: nothing of its batch is committed |
//! | the topic for the progress is not compacted | [`Fault::NotCompacted`] |
//! | a setting needs a feature that is not compiled in | [`Config`](crate::connect::ConnectorError::Config), with its name |
//!
//! While brokers are asked again, [`Job::explain`](crate::Job::explain) says how often and of how many times. The
//! [guide](crate::guide::kafka) has each fault and what happens then.
//!
//! TLS and SCRAM need the feature `kafka-ssl`, Kerberos `kafka-sasl`, zstd `kafka-zstd`.

mod changes;
mod client;
mod commit;
mod discovery;
mod fault;
mod message;
mod patience;
mod progress;
mod reader;
mod record;
mod settings;
mod sink;
mod sink_settings;
mod source;
mod transaction;
mod writer;

use self::discovery::Selection;
pub use self::{
    fault::Fault,
    message::{Message, Messages, Shape, Texts, Topic},
    reader::OnLostOffsets,
    record::{AsIs, IntoRecord, Record},
    sink::{Appended, Changes, TopicSink, Upserts},
    source::Topics,
};

/// A source of the records of a topic. Brokers are `host:port`, several with commas in between; some of them suffice.
pub fn topic(brokers: impl Into<String>, topic: impl Into<String>) -> Topics {
    topics(brokers, [topic])
}

/// The same, of several topics.
pub fn topics<N: Into<String>>(brokers: impl Into<String>, topics: impl IntoIterator<Item = N>) -> Topics {
    let named = topics.into_iter().map(|topic| Topic::from(topic.into())).collect();
    Topics::new(brokers.into(), Selection::Named(named))
}

/// The same, of all topics whose names match a glob such as `clicks-*`, and of those that come later. Topics that begin with `__` match
/// only a pattern that does.
pub fn pattern(brokers: impl Into<String>, pattern: impl Into<String>) -> Topics {
    Topics::new(brokers.into(), Selection::Matching(pattern.into()))
}

/// A sink that adds each record to a topic.
///
/// ```
/// use streaming_runtime::connect::kafka;
///
/// struct Click { user: u64, page: String }
///
/// let texts = kafka::append("127.0.0.1:9092", "texts"); // of texts, bytes, `(key, payload)`, `Record` or `Message`
/// let counts = kafka::append("127.0.0.1:9092", "counts").format(|(word, n): (String, i64)| (word, n.to_string()));
/// let clicks = kafka::append("127.0.0.1:9092", "clicks")
///     .format(|click: Click| kafka::Record::new(click.page).key(click.user.to_be_bytes()).header("version", "1"));
/// # fn is_sink<T>(_: impl streaming_runtime::Sink<T>) {}
/// # is_sink::<String>(texts);
/// # is_sink(counts);
/// # is_sink(clicks);
/// ```
///
/// # Errors
/// See [the module](self).
pub fn append(brokers: impl Into<String>, topic: impl Into<String>) -> TopicSink<Appended> {
    TopicSink::new(brokers.into(), topic.into())
}

/// A sink for the [`changes`](crate::Stream::changes) of a window or a table: for `(record, n)` it adds the record with a header
/// `change`, which is `+1`, or `+n`, for what came, and `-1`, or `-n`, for what went.
///
/// # Errors
/// See [the module](self).
pub fn changes(brokers: impl Into<String>, topic: impl Into<String>) -> TopicSink<Changes> {
    TopicSink::new(brokers.into(), topic.into())
}

/// A sink that keeps a compacted topic equal to the contents of a stream, by its [`changes`](crate::Stream::changes). Each record has a
/// key. For each key that a batch changes there is one record: its new value, or a tombstone if it has none any more.
///
/// ```
/// use streaming_runtime::connect::kafka;
///
/// // The changes of a stream of `(word, n)`.
/// let counts = kafka::upserts("127.0.0.1:9092", "counts").format(|(word, n): (String, i64)| (word, n.to_string()));
/// # fn is_sink(_: impl streaming_runtime::Sink<((String, i64), i64)>) {}
/// # is_sink(counts);
/// ```
///
/// # Errors
/// See [the module](self). Also a record without a key ([`Fault::NoKey`]), and a key with several values
/// ([`Fault::SeveralValues`]).
pub fn upserts(brokers: impl Into<String>, topic: impl Into<String>) -> TopicSink<Upserts> {
    TopicSink::new(brokers.into(), topic.into())
}
