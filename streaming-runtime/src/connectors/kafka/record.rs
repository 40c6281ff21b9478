//! Records for topics.

use rdkafka::message::{Header, OwnedHeaders};

use crate::connectors::kafka::message::Message;

/// A record for a topic. A text or bytes make one that has nothing else, a pair one with a key:
///
/// ```
/// use streaming_runtime::connect::kafka::Record;
///
/// let plain = Record::from("a text");
/// let keyed = Record::from(("word", "7"));
/// let full = Record::new("7").key("word").header("unit", "times").timestamp(1_700_000_000_000);
/// assert_eq!((plain.key, keyed.key), (None, full.key));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its key. Records with one key go to one partition.
    pub key: Option<Vec<u8>>,
    /// What it says. `None` is a tombstone: in a compacted topic the key is forgotten.
    pub payload: Option<Vec<u8>>,
    /// Its headers, in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The partition that it goes to. `None`: by its key, as Java's clients do, or to any.
    pub partition: Option<i32>,
    /// Milliseconds since the Unix epoch. `None`: when it is sent.
    pub timestamp: Option<i64>,
}

impl Record {
    /// A record with this payload.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Record { payload: Some(payload.into()), ..Record::default() }
    }
    /// A record without a payload: in a compacted topic `key` is forgotten.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Record { key: Some(key.into()), ..Record::default() }
    }
    /// With a key.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }
    /// With one more header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }
    /// To this partition.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }
    /// Of this time, in milliseconds since the Unix epoch.
    pub fn timestamp(mut self, millis: i64) -> Self {
        self.timestamp = Some(millis);
        self
    }

    /// Its headers as librdkafka takes them.
    pub(super) fn native_headers(&self) -> Option<OwnedHeaders> {
        let insert = |headers: OwnedHeaders, (key, value): &(String, Option<Vec<u8>>)| {
            headers.insert(Header { key, value: value.as_ref() })
        };
        let none = OwnedHeaders::new_with_capacity(self.headers.len());
        (!self.headers.is_empty()).then(|| self.headers.iter().fold(none, insert))
    }
}

impl From<String> for Record {
    fn from(payload: String) -> Self {
        Record::new(payload)
    }
}

impl From<&str> for Record {
    fn from(payload: &str) -> Self {
        Record::new(payload)
    }
}

impl From<Vec<u8>> for Record {
    fn from(payload: Vec<u8>) -> Self {
        Record::new(payload)
    }
}

/// A key and a payload.
impl<K: Into<Vec<u8>>, P: Into<Vec<u8>>> From<(K, P)> for Record {
    fn from((key, payload): (K, P)) -> Self {
        Record::new(payload).key(key)
    }
}

/// What was read from another topic, but for its place there: key, payload, headers and timestamp.
impl From<Message> for Record {
    fn from(Message { key, payload, headers, timestamp, .. }: Message) -> Self {
        Record { key, payload, headers, partition: None, timestamp }
    }
}

/// How a record of the stream becomes one of a topic: by a closure, such as `|(word, n): (String, i64)| (word, n.to_string())`, or
/// [`AsIs`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no record for a topic of a `{T}`",
    label = "this sink has to turn a `{T}` into a `kafka::Record`",
    note = "say how: `.format(|record: {T}| kafka::Record::new(..).key(..))`; a text, bytes, or a pair of them will do, too"
)]
pub trait IntoRecord<T>: Send + Sync + 'static {
    /// The record for the topic.
    fn record(&self, record: T) -> Record;
}

/// Takes records of the stream that are records for topics already, or texts, bytes, messages, or pairs of a key and a payload.
#[derive(Clone, Copy, Debug)]
pub struct AsIs;

impl<T: Into<Record>> IntoRecord<T> for AsIs {
    fn record(&self, record: T) -> Record {
        record.into()
    }
}

impl<T, R: Into<Record>, F: Fn(T) -> R + Send + Sync + 'static> IntoRecord<T> for F {
    fn record(&self, record: T) -> Record {
        self(record).into()
    }
}
