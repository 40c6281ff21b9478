//! Whether a file has changed since its first part was read.

use std::{
    fs::{File, Metadata},
    io::{
        Read, Seek, SeekFrom, {self},
    },
    path::Path,
    time::SystemTime,
};

use crate::disk::Identity;

/// How much at the beginning of a file, and at the end of what was read, must be as it was.
pub(super) const PROBE: u64 = 4096;

/// What is known of a file that is being read.
///
/// A look is a call to the system. Only if the file was written to meanwhile, it is read at two places again: to append to it
/// does no harm, and what was written over between the two is not noticed.
#[derive(Debug)]
pub(super) struct Steady {
    identity: Identity,
    written: (u64, Option<SystemTime>),
    /// How many bytes it is to have at least.
    least: u64,
    /// Parts of what was read.
    head: FilePart,
    tail: FilePart,
}

/// Bytes at a place, by their checksum.
#[derive(Clone, Copy, Debug, Default)]
struct FilePart {
    offset: u64,
    bytes: u64,
    sum: u32,
}

impl FilePart {
    fn is_in(&self, file: &File) -> io::Result<bool> {
        Ok(checksum(file, self.offset, self.bytes)? == self.sum)
    }
}

/// The checksum of `bytes` bytes at `offset`, or of those that there are. The file is then read from behind them.
pub(super) fn checksum(mut file: &File, offset: u64, bytes: u64) -> io::Result<u32> {
    let mut found = Vec::with_capacity(bytes as usize);
    file.seek(SeekFrom::Start(offset))?;
    file.take(bytes).read_to_end(&mut found)?;
    Ok(crc32fast::hash(&found))
}

fn written(about: &Metadata) -> (u64, Option<SystemTime>) {
    (about.len(), about.modified().ok())
}

impl Steady {
    pub(super) fn new(about: &Metadata) -> Self {
        let (identity, written) = (Identity::of(about), written(about));
        Steady { identity, written, least: written.0, head: FilePart::default(), tail: FilePart::default() }
    }

    /// It is to have so many bytes at least, and not as many as it had when it was opened.
    pub(super) fn needs(&mut self, least: u64) {
        self.least = least;
    }

    /// `bytes` were read at `offset`.
    pub(super) fn read(&mut self, offset: u64, bytes: &[u8]) {
        if self.head.bytes == 0 {
            let head = &bytes[..bytes.len().min(PROBE as usize)];
            self.head = FilePart { offset, bytes: head.len() as u64, sum: crc32fast::hash(head) };
        }
        let before = bytes.len().saturating_sub(PROBE as usize);
        let tail = &bytes[before..];
        self.tail =
            FilePart { offset: offset + before as u64, bytes: tail.len() as u64, sum: crc32fast::hash(tail) };
    }

    /// How what was read is not in the file any more, if it is not. The file is then read from `offset`.
    pub(super) fn changed(&mut self, mut file: &File, offset: u64) -> io::Result<Option<String>> {
        let before = std::mem::replace(&mut self.written, written(&file.metadata()?));
        let (length, _) = self.written;
        // What says nothing of its length, as files in `/proc`, is another each time.
        if self.written == before || (before.0, length) == (0, 0) {
            return Ok(None);
        }
        let least = self.least.max(self.tail.offset + self.tail.bytes);
        if length < least {
            return Ok(Some(format!("it has {length} bytes and had {least}")));
        }
        if !(self.head.is_in(file)? && self.tail.is_in(file)?) {
            return Ok(Some("it was written anew".to_owned()));
        }
        file.seek(SeekFrom::Start(offset)).map(|_| None)
    }

    /// Whether `path` is another file now. That it is none is nothing: the file was read as it was.
    pub(super) fn is_replaced(&self, path: &Path) -> bool {
        Identity::at(path).is_ok_and(|there| there != self.identity)
    }
}
