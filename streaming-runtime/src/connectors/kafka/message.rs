//! Records of topics.

use std::{fmt, ops::Deref, sync::Arc};

use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::formats::Payload;

/// A record of a topic, with where it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// The topic's name.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: i32,
    /// The place in the partition.
    pub offset: i64,
    /// When it was made, or appended if the topic is set so, in milliseconds since the Unix epoch; `None` if nobody said.
    pub timestamp: Option<i64>,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// What it says. `None` is a tombstone: in a compacted topic the key is to be forgotten.
    pub payload: Option<Vec<u8>>,
    /// Its headers, in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The payload is what it says; the position is its topic, partition and offset.
impl Payload for Message {
    fn bytes(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }
    fn position(&self) -> Option<String> {
        Some(format!("{}/{} at {}", self.topic, self.partition, self.offset))
    }
}

/// The name of a topic. Cloning it costs nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

impl From<&str> for Topic {
    fn from(name: &str) -> Self {
        Topic(name.into())
    }
}

impl From<String> for Topic {
    fn from(name: String) -> Self {
        Topic(name.into())
    }
}

impl Deref for Topic {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Topic::from)
    }
}

/// What a source makes of the records of its topics: messages, or their texts.
pub trait Shape: Send + Sync + 'static {
    /// What it makes.
    type Record: Send + 'static;
    #[doc(hidden)]
    fn shape(topic: &Topic, message: &Borrowed<'_>) -> Self::Record;
    /// A checksum of all that a record says: the same in every release, because checkpoints have sums of it.
    #[doc(hidden)]
    fn digest(record: &Self::Record) -> u64;
}

/// A record that is still librdkafka's.
#[derive(Debug)]
pub struct Borrowed<'a>(pub(super) BorrowedMessage<'a>);

/// A source of [`Message`]s.
#[derive(Debug)]
pub enum Messages {}

/// A source of the payloads, as text.
#[derive(Debug)]
pub enum Texts {}

impl Shape for Messages {
    type Record = Message;

    fn shape(topic: &Topic, Borrowed(message): &Borrowed<'_>) -> Message {
        let headers = message.headers().map(|headers| {
            let owned = |header: rdkafka::message::Header<'_, &[u8]>| {
                (header.key.to_owned(), header.value.map(<[u8]>::to_vec))
            };
            headers.iter().map(owned).collect()
        });
        Message {
            topic: topic.clone(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }

    fn digest(message: &Message) -> u64 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&message.offset.to_le_bytes());
        crc.update(&message.timestamp.unwrap_or(-1).to_le_bytes());
        let mut part = |bytes: Option<&[u8]>| {
            // With its length, or a letter of the key might be the payload's.
            crc.update(&bytes.map_or(-1, |bytes| bytes.len() as i64).to_le_bytes());
            crc.update(bytes.unwrap_or_default());
        };
        part(message.key.as_deref());
        part(message.payload.as_deref());
        for (name, value) in &message.headers {
            part(Some(name.as_bytes()));
            part(value.as_deref());
        }
        u64::from(crc.finalize())
    }
}

impl Shape for Texts {
    type Record = String;

    fn shape(_: &Topic, Borrowed(message): &Borrowed<'_>) -> String {
        let payload = message.payload().unwrap_or_default();
        // Valid text is found to be so several times faster than it is searched for what is not.
        std::str::from_utf8(payload)
            .map_or_else(|_| String::from_utf8_lossy(payload).into_owned(), str::to_owned)
    }

    fn digest(text: &String) -> u64 {
        u64::from(crc32fast::hash(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_message_says_is_in_its_digest() {
        let message = Message {
            topic: "clicks".into(),
            partition: 0,
            offset: 7,
            timestamp: Some(1),
            key: Some(b"ab".to_vec()),
            payload: Some(b"c".to_vec()),
            headers: vec![("h".into(), None)],
        };
        let same = Messages::digest(&message);
        assert_eq!(same, 2_257_118_004, "checkpoints have it");
        let others = [
            Message { offset: 8, ..message.clone() },
            Message { timestamp: None, ..message.clone() },
            Message { key: Some(b"a".to_vec()), payload: Some(b"bc".to_vec()), ..message.clone() },
            Message { payload: None, ..message.clone() },
            Message { headers: vec![("h".into(), Some(Vec::new()))], ..message.clone() },
        ];
        assert!(others.iter().all(|other| Messages::digest(other) != same));
        assert_eq!(Texts::digest(&"123456789".into()), 0xCBF4_3926, "the CRC's own test");
    }
}
