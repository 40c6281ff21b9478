//! What could not be decoded.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::formats::contract::Payload;

/// A payload that could not be decoded, with where it came from and why: the record of the second stream of
/// [`decode`](crate::Stream::decode).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rejected {
    /// Its bytes, or the first [`MAX_BYTES`](Rejected::MAX_BYTES) of them.
    pub bytes: Vec<u8>,
    /// How many bytes it has.
    pub length: u64,
    /// Where it came from, if that is known.
    pub position: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

impl Rejected {
    /// How many bytes of a payload are kept.
    pub const MAX_BYTES: usize = 4096;

    /// How long a reason is at most: some quote what they did not expect.
    const MAX_REASON: usize = 1024;

    /// Rejects a payload for this reason. The first [`MAX_BYTES`](Rejected::MAX_BYTES) of its bytes are copied.
    pub fn new(payload: &(impl Payload + ?Sized), reason: impl Into<String>) -> Self {
        let bytes = payload.bytes().unwrap_or_default();
        let mut reason = reason.into();
        if reason.len() > Self::MAX_REASON {
            reason.truncate(reason.floor_char_boundary(Self::MAX_REASON));
            reason.push_str(" ..");
        }
        Rejected {
            bytes: bytes[..bytes.len().min(Self::MAX_BYTES)].to_vec(),
            length: bytes.len() as u64,
            position: payload.position(),
            reason,
        }
    }
}

/// The bytes as a text, shortened.
impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 200;
        let mut shown = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(SHOWN)]).into_owned();
        if self.length > SHOWN as u64 {
            shown.push_str(" ..");
        }
        f.debug_struct("Rejected")
            .field("position", &self.position)
            .field("reason", &self.reason)
            .field("length", &self.length)
            .field("bytes", &shown)
            .finish()
    }
}

/// Where it was, what is wrong, and how long it is. Its bytes are not shown.
impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(f, "{position}: ")?;
        }
        write!(f, "{} ({} bytes)", self.reason, self.length)
    }
}
