//! Where the reading of a file is.

use serde::{Deserialize, Serialize};

/// A place in a file, and what tells that file from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePosition {
    /// Where the first line begins that was not sent.
    pub(super) offset: u64,
    /// How long the file was when it was opened at first; it is read up to there. `None` for files that do not say.
    pub(super) length: Option<u64>,
    /// Checksum of the file's first bytes, up to `PROBE`.
    pub(super) head: u32,
    /// Checksum of the bytes before `offset`, up to `PROBE`.
    pub(super) before: u32,
}

impl FilePosition {
    /// The beginning of the same file.
    pub(super) fn beginning(self) -> Self {
        FilePosition { offset: 0, before: 0, ..self }
    }
}
