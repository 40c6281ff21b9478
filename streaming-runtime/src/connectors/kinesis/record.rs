//! Records of streams, in and out.

use serde::{Deserialize, Serialize};

use crate::{connectors::kinesis::aggregate, formats::Payload};

/// A record of a stream, with where it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The shard's name, such as `shardId-000000000000`.
    pub shard: String,
    /// The place in the shard: a decimal number of up to 128 digits.
    pub sequence_number: String,
    /// The place in an aggregated record, from 0 on; `None` if it is none of those.
    pub sub_sequence_number: Option<u32>,
    /// By it the producer chose the shard.
    pub partition_key: String,
    /// By it instead, if an aggregated record says so; Kinesis keeps it of no other.
    pub explicit_hash_key: Option<String>,
    /// About when it arrived, in milliseconds since the Unix epoch; `None` if Kinesis does not say.
    pub arrived: Option<i64>,
    /// What it says.
    pub data: Vec<u8>,
}

/// The data is what it says; the position is its shard and sequence number.
impl Payload for Record {
    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.data)
    }
    fn position(&self) -> Option<String> {
        let Record { shard, sequence_number, sub_sequence_number, .. } = self;
        Some(match sub_sequence_number {
            Some(sub) => format!("{shard} at {sequence_number}.{sub}"),
            None => format!("{shard} at {sequence_number}"),
        })
    }
}

/// A record for a stream: at most 1 MiB of data and partition key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Put {
    /// Records of one key are in one shard. 1 to 256 characters.
    pub partition_key: String,
    /// A decimal number below 2^128 that chooses the shard in place of the key's MD5.
    pub explicit_hash_key: Option<String>,
    /// What it says.
    pub data: Vec<u8>,
}

impl<K: Into<String>, D: Into<Vec<u8>>> From<(K, D)> for Put {
    fn from((key, data): (K, D)) -> Self {
        Put { partition_key: key.into(), explicit_hash_key: None, data: data.into() }
    }
}

/// What a source makes of the records of its stream: records, or their texts.
pub trait Shape: Send + Sync + 'static {
    /// What it makes.
    type Record: Send + 'static;
    #[doc(hidden)]
    fn shape(record: Record) -> Self::Record;
    /// A checksum of all that a record says: the same in every release, because checkpoints have sums of it.
    #[doc(hidden)]
    fn digest(record: &Self::Record) -> u64;
}

/// A source of [`Record`]s.
#[derive(Debug)]
pub enum Records {}

/// A source of the data, as text.
#[derive(Debug)]
pub enum Texts {}

impl Shape for Records {
    type Record = Record;

    fn shape(record: Record) -> Record {
        record
    }

    fn digest(record: &Record) -> u64 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&record.sub_sequence_number.map_or(-1, i64::from).to_le_bytes());
        let hash_key = record.explicit_hash_key.as_deref().unwrap_or_default();
        for part in [&record.sequence_number, &record.partition_key, hash_key].map(str::as_bytes) {
            // With its length, or a letter of the key might be the data's.
            crc.update(&(part.len() as u64).to_le_bytes());
            crc.update(part);
        }
        crc.update(&record.data);
        u64::from(crc.finalize())
    }
}

impl Shape for Texts {
    type Record = String;

    fn shape(record: Record) -> String {
        String::from_utf8(record.data)
            .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
    }

    fn digest(text: &String) -> u64 {
        u64::from(crc32fast::hash(text.as_bytes()))
    }
}

/// Puts what a record of the stream says behind `records`: itself, or those that are in it.
pub(super) fn take_apart(shard: &str, from: aws_sdk_kinesis::types::Record, records: &mut Vec<Record>) {
    let arrived = from.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok());
    let data = from.data.into_inner();
    let Some(parts) = aggregate::parts(&data) else {
        records.push(Record {
            shard: shard.to_owned(),
            sequence_number: from.sequence_number,
            sub_sequence_number: None,
            partition_key: from.partition_key.unwrap_or_default(),
            explicit_hash_key: None,
            arrived,
            data,
        });
        return;
    };
    records.extend((0..).zip(parts).map(|(sub, part)| Record {
        shard: shard.to_owned(),
        sequence_number: from.sequence_number.clone(),
        sub_sequence_number: Some(sub),
        partition_key: part.partition_key.to_owned(),
        explicit_hash_key: part.explicit_hash_key.map(str::to_owned),
        arrived,
        data: part.data.to_vec(),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_record_says_is_in_its_digest() {
        let record = Record {
            shard: "shardId-000000000000".into(),
            sequence_number: "495".into(),
            sub_sequence_number: None,
            partition_key: "ab".into(),
            explicit_hash_key: None,
            arrived: Some(1),
            data: b"c".to_vec(),
        };
        let same = Records::digest(&record);
        let others = [
            Record { sequence_number: "496".into(), ..record.clone() },
            Record { sub_sequence_number: Some(0), ..record.clone() },
            Record { partition_key: "a".into(), data: b"bc".to_vec(), ..record.clone() },
            Record { explicit_hash_key: Some("1".into()), ..record.clone() },
        ];
        assert!(others.iter().all(|other| Records::digest(other) != same));
        assert_eq!(Texts::digest(&"123456789".into()), 0xCBF4_3926, "the CRC's own test");
    }
}
