//! The outside of a file: its name, its head, and frames, each with a checksum.
//!
//! A head is `"STRMCKPT", version u32, kind u8, number u64, bytes of the log before that count u64, salt u64, crc32 u32`, in every
//! version of the format. A frame is `mark u32, length u32, crc32 u32, synced u64, payload`: the mark is the lower half
//! of the salt, the checksum starts from its upper half and covers length, synced and payload. So nobody who does not
//! know the salt, least of all a record, can make bytes that look like a frame. `synced` says how much of the file was
//! known to be on disk when the frame was written.

use crate::checkpoint::CheckpointError;
use std::ops::Range;

pub(super) const VERSION: u32 = 3;
/// The oldest that is read. It has no identity, see [`Program::identity`](super::Program::identity).
const OLDEST: u32 = 2;
/// The length of a head.
pub(super) const HEAD: usize = 41;
/// The bytes before a payload.
pub(super) const BEFORE: usize = 20;
/// The largest payload. One that is larger is an error of the job; files are read whole, so nothing is allocated by
/// what a length says.
pub(super) const LIMIT: usize = if cfg!(test) { 1 << 20 } else { 1 << 30 };

const MAGIC: &[u8; 8] = b"STRMCKPT";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Base,
    Log,
}

impl Kind {
    pub(super) fn name(self, number: u64) -> String {
        match self {
            Kind::Base => format!("base-{number:020}"),
            Kind::Log => format!("log-{number:020}"),
        }
    }

    /// What `name` names, if it is one that [`Kind::name`] gives.
    pub(super) fn of(name: &str) -> Option<(Kind, u64)> {
        let (kind, number) = name.split_once('-')?;
        let kind = match kind {
            "base" => Kind::Base,
            "log" => Kind::Log,
            _ => return None,
        };
        let number = number.parse().ok()?;
        (kind.name(number) == name).then_some((kind, number))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub kind: Kind,
    pub number: u64,
    /// How much of the log before is durable, 0 if there is none. Behind it there may be a closing record.
    pub follows: u64,
    pub salt: u64,
}

/// Why a head cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHead {
    Damaged,
    Version(u32),
}

impl Head {
    pub(super) fn new(kind: Kind, number: u64, follows: u64) -> Head {
        Head { kind, number, follows, salt: rand::random() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.push(self.kind as u8);
        for number in [self.number, self.follows, self.salt] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Head, BadHead> {
        let head = bytes.get(..HEAD).ok_or(BadHead::Damaged)?;
        if head[..8] != *MAGIC || crc32fast::hash(&head[..HEAD - 4]) != u32_at(head, HEAD - 4) {
            return Err(BadHead::Damaged);
        }
        let version = u32_at(head, 8);
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(BadHead::Version(version));
        }
        let kind = match head[12] {
            0 => Kind::Base,
            1 => Kind::Log,
            _ => return Err(BadHead::Damaged),
        };
        let [number, follows, salt] = [13, 21, 29].map(|at| u64_at(head, at));
        Ok(Head { kind, number, follows, salt })
    }

    /// Whether nothing was ever written behind the head, nor that itself completely: a head is synced before what is
    /// behind it is written.
    pub(super) fn is_torn(bytes: &[u8]) -> bool {
        bytes.len() <= HEAD && Head::decode(bytes) == Err(BadHead::Damaged)
    }

    fn mark(&self) -> [u8; 4] {
        (self.salt as u32).to_le_bytes()
    }

    /// The checksum of a frame whose length, `synced` and payload are these.
    fn sum(&self, length: &[u8], synced_and_payload: &[u8]) -> u32 {
        let mut sum = crc32fast::Hasher::new_with_initial((self.salt >> 32) as u32);
        sum.update(length);
        sum.update(synced_and_payload);
        sum.finalize()
    }

    /// Adds a frame with what `write` writes. `what` names it in the error if that is too much.
    pub(super) fn frame(
        &self,
        into: &mut Vec<u8>,
        synced: u64,
        what: impl FnOnce() -> String,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CheckpointError> {
        let at = into.len();
        into.extend_from_slice(&self.mark());
        into.extend_from_slice(&[0; 8]);
        into.extend_from_slice(&synced.to_le_bytes());
        write(into);
        let length = into.len() - at - BEFORE;
        if length > LIMIT {
            into.truncate(at);
            return Err(CheckpointError::TooLarge {
                what: what(),
                bytes: length as u64,
                limit: LIMIT as u64,
            });
        }
        let length = (length as u32).to_le_bytes();
        let sum = self.sum(&length, &into[at + 12..]);
        into[at + 4..at + 8].copy_from_slice(&length);
        into[at + 8..at + 12].copy_from_slice(&sum.to_le_bytes());
        Ok(())
    }

    /// The frame at `at`, or what is wrong with it.
    fn frame_at(&self, bytes: &[u8], at: usize) -> Result<Frame, &'static str> {
        let rest = &bytes[at..];
        let before = rest.get(..BEFORE).ok_or("the file ends within a frame")?;
        if before[..4] != self.mark() {
            return Err("no frame begins here");
        }
        let length = u32_at(before, 4) as usize;
        let whole = rest.get(..BEFORE + length).ok_or("the file ends within a frame")?;
        if self.sum(&whole[4..8], &whole[12..]) != u32_at(before, 8) {
            return Err("the checksum of the frame is not that of its bytes");
        }
        Ok(Frame { at, synced: u64_at(before, 12), payload: at + BEFORE..at + BEFORE + length })
    }

    /// All frames up to the end, or to the first that is bad.
    pub(super) fn scan(&self, bytes: &[u8]) -> Scan {
        let mut frames = Vec::new();
        let mut at = HEAD;
        while at < bytes.len() {
            match self.frame_at(bytes, at) {
                Ok(frame) => {
                    at = frame.payload.end;
                    frames.push(frame);
                }
                Err(what) => {
                    let proof = self.proof(bytes, at);
                    return Scan { frames, bad: Some(Bad { at, what, proof }) };
                }
            }
        }
        Scan { frames, bad: None }
    }

    /// A good frame behind `bad` which says that the byte there was durable.
    fn proof(&self, bytes: &[u8], bad: usize) -> Option<usize> {
        let mark = self.mark();
        (bad + 1..bytes.len().saturating_sub(BEFORE - 1))
            .filter(|&at| bytes[at..at + 4] == mark)
            .find(|&at| self.frame_at(bytes, at).is_ok_and(|frame| frame.synced > bad as u64))
    }
}

/// Where a frame is in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub at: usize,
    pub synced: u64,
    pub payload: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Scan {
    pub frames: Vec<Frame>,
    pub bad: Option<Bad>,
}

#[derive(Debug)]
pub(super) struct Bad {
    pub at: usize,
    pub what: &'static str,
    /// A later frame which says that this one was durable, so that it is not torn but damaged.
    pub proof: Option<usize>,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(payloads: &[(&[u8], u64)]) -> (Head, Vec<u8>) {
        let head = Head::new(Kind::Log, 3, 0);
        let mut bytes = head.encode();
        for (payload, synced) in payloads {
            head.frame(&mut bytes, *synced, String::new, |into| into.extend_from_slice(payload))
                .expect("it is small");
        }
        (head, bytes)
    }

    #[test]
    fn names_and_heads_are_read_as_they_were_written() {
        for (kind, number) in [(Kind::Base, 0), (Kind::Log, 17), (Kind::Log, u64::MAX)] {
            assert_eq!(Kind::of(&kind.name(number)), Some((kind, number)));
            let head = Head { kind, number, follows: 5, salt: 7 << 40 };
            assert_eq!(Head::decode(&head.encode()), Ok(head));
        }
        for name in ["LOCK", "log-17", "log-0000000000000000001x", "base", "logs-00000000000000000001"] {
            assert_eq!(Kind::of(name), None);
        }
    }

    #[test]
    fn a_version_of_the_future_is_named() {
        let mut bytes = Head::new(Kind::Log, 1, 0).encode();
        bytes[8] = 9;
        assert_eq!(Head::decode(&bytes), Err(BadHead::Damaged), "a flip is no version");
        let sum = crc32fast::hash(&bytes[..HEAD - 4]);
        bytes[HEAD - 4..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Head::decode(&bytes), Err(BadHead::Version(9)));
    }

    #[test]
    fn a_bad_frame_is_torn_unless_one_behind_it_proves_that_it_was_on_disk() {
        let second = HEAD + BEFORE + 3;
        let third = second + BEFORE + 3;
        let (head, mut bytes) = file(&[(b"one", 0), (b"two", second as u64), (b"six", second as u64)]);
        assert_eq!(head.scan(&bytes).frames.len(), 3);
        bytes[third + BEFORE] ^= 1;
        let bad = head.scan(&bytes).bad.expect("the last is bad");
        assert_eq!((bad.at, bad.proof), (third, None));
        bytes[third + BEFORE] ^= 1;
        bytes[second + BEFORE] ^= 1;
        let bad = head.scan(&bytes).bad.expect("the second is bad");
        assert_eq!((bad.at, bad.proof), (second, None), "the third does not know of the second");
        bytes[HEAD + BEFORE] ^= 1;
        let bad = head.scan(&bytes).bad.expect("the first is bad");
        assert_eq!((bad.at, bad.proof), (HEAD, Some(third)));
    }
}
