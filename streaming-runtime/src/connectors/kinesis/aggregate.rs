//! Records that the Kinesis producer library has put into one: a magic number, a message of protocol buffers, and its MD5.

use md5::{Digest as _, Md5};

const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const MD5_BYTES: usize = 16;

/// One of the records in another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) partition_key: &'a str,
    pub(super) explicit_hash_key: Option<&'a str>,
    pub(super) data: &'a [u8],
}

/// The records in an aggregated one. `None` for what is none, or is not whole.
pub(super) fn parts(record: &[u8]) -> Option<Vec<Part<'_>>> {
    let rest = record.strip_prefix(&MAGIC)?;
    let (message, sum) = rest.split_at_checked(rest.len().checked_sub(MD5_BYTES)?)?;
    if Md5::digest(message)[..] != *sum {
        return None;
    }
    let (mut keys, mut hash_keys, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(key)) => keys.push(std::str::from_utf8(key).ok()?),
            (2, Value::Bytes(key)) => hash_keys.push(std::str::from_utf8(key).ok()?),
            (3, Value::Bytes(record)) => records.push(record),
            _ => {}
        }
    }
    records.into_iter().map(|record| part(record, &keys, &hash_keys)).collect()
}

fn part<'a>(record: &'a [u8], keys: &[&'a str], hash_keys: &[&'a str]) -> Option<Part<'a>> {
    let (mut key, mut hash_key, mut data) = (None, None, None);
    for field in Fields(record) {
        match field? {
            (1, Value::Number(index)) => key = Some(*keys.get(usize::try_from(index).ok()?)?),
            (2, Value::Number(index)) => hash_key = Some(*hash_keys.get(usize::try_from(index).ok()?)?),
            (3, Value::Bytes(bytes)) => data = Some(bytes),
            _ => {}
        }
    }
    Some(Part { partition_key: key?, explicit_hash_key: hash_key, data: data? })
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a kind that no field here has.
    Other,
}

/// The fields of a message, by number; `None` where it is none.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(first & 0x7F) << shift;
            if first & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(|_| Value::Other)?,
            2 => {
                let length = self.number()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(message: &[u8]) -> Vec<u8> {
        [&MAGIC[..], message, &Md5::digest(message)[..]].concat()
    }

    #[test]
    fn an_aggregated_record_is_taken_apart_and_anything_else_is_not() {
        // Keys `a` and `b`, hash key `7`; (a, 7, `xy`) and (b, `z`) with a field that nobody knows.
        let message =
            b"\x0a\x01a\x0a\x01b\x12\x017\x1a\x08\x08\x00\x10\x00\x1a\x02xy\x1a\x07\x08\x01\x1a\x01z\x28\x05";
        let whole = sealed(message);
        let part = |partition_key, explicit_hash_key, data| Part { partition_key, explicit_hash_key, data };
        assert_eq!(parts(&whole), Some(vec![part("a", Some("7"), b"xy"), part("b", None, b"z")]));
        for end in 0..whole.len() {
            assert_eq!(parts(&whole[..end]), None, "{end} bytes of it");
        }
        assert_eq!(parts(b"text"), None);
        // Whole, and with an index of no key, a length beyond its end, a number without one.
        for bad in [
            &b"\x1a\x05\x08\x03\x1a\x01z"[..],
            b"\x1a\x7f",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_eq!(parts(&sealed(bad)), None, "{bad:?}");
        }
        assert_eq!(parts(&sealed(b"")), Some(Vec::new()));
    }
}
