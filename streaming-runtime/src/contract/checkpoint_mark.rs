//! Which checkpoint a sink belongs to.

use std::{fmt, str::FromStr};

use crate::time::BatchTime;

/// Identifies a checkpoint. It is random, made when a job first writes there, and stays the same for all jobs that go on from it,
/// also from a copy. `Display` and `FromStr` use 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointId(pub(crate) u128);

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is not a [`CheckpointId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no checkpoint")]
pub struct NoCheckpointId(String);

impl FromStr for CheckpointId {
    type Err = NoCheckpointId;

    fn from_str(text: &str) -> Result<Self, NoCheckpointId> {
        // A sign is a digit to `from_str_radix`, but none here.
        let is_hex = |text: &&str| text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = Some(text).filter(is_hex).map(|text| u128::from_str_radix(text, 16));
        number.and_then(Result::ok).map(CheckpointId).ok_or_else(|| NoCheckpointId(text.to_owned()))
    }
}

/// What a sink knows about the checkpoint that it was written with; see [`Sink::checkpoint_mark`](crate::connect::Sink::checkpoint_mark).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointMark {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The last batch that the sink has; `None` if it has none.
    pub last: Option<BatchTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for id in [CheckpointId(0), CheckpointId(u128::MAX), CheckpointId(7 << 64)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("7".parse::<CheckpointId>().is_err());
        assert!("+0000000000000000000000000000007".parse::<CheckpointId>().is_err());
    }
}
