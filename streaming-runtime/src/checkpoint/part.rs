//! What the operators of one worker say of a batch: a list of entries, written without an allocation per key.
//!
//! An entry is `operator u32, kind u8, until u64 (only panes that end), length u32, bytes`. The bytes of a pane are the
//! operator's own; those of keys are `(length of key u32, length of value u32, key, value)*`, where a length of
//! `u32::MAX` says that the key is removed. All numbers are little-endian.

use super::CheckpointError;
use crate::{stream::Epoch, time::BatchTime};

const PANE: u8 = 1;
const PANE_FOR_EVER: u8 = 2;
const KEYS: u8 = 3;
const REMOVED: u32 = u32::MAX;

/// Writes what one worker's stateful operators say of a batch.
#[derive(Debug, Default)]
pub(crate) struct PartWriter {
    bytes: Vec<u8>,
}

impl PartWriter {
    pub(crate) fn new() -> Self {
        PartWriter::default()
    }

    /// What an operator took in at this batch; dead once a batch of time `until` or later is in the state.
    pub(crate) fn pane(&mut self, operator: u32, until: Option<BatchTime>, bytes: impl FnOnce(&mut Vec<u8>)) {
        begin_entry(&mut self.bytes, operator, if until.is_some() { PANE } else { PANE_FOR_EVER }, until);
        lengthed(&mut self.bytes, bytes);
    }

    /// Keys of an operator that are changed or removed by this batch.
    pub(crate) fn keys(&mut self, operator: u32) -> KeysWriter<'_> {
        let start = self.bytes.len();
        begin_entry(&mut self.bytes, operator, KEYS, None);
        self.bytes.extend_from_slice(&[0; 4]);
        KeysWriter { start, first: self.bytes.len(), bytes: &mut self.bytes }
    }

    /// What was written, for [`Log::part`](super::Log::part); the writer is empty then.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let room = self.bytes.len();
        std::mem::replace(&mut self.bytes, Vec::with_capacity(room))
    }
}

fn begin_entry(into: &mut Vec<u8>, operator: u32, kind: u8, until: Option<BatchTime>) {
    into.extend_from_slice(&operator.to_le_bytes());
    into.push(kind);
    if let Some(until) = until {
        into.extend_from_slice(&until.as_nanos().to_le_bytes());
    }
}

/// Leaves room for a length, lets `write` write, and puts the length in.
fn lengthed(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = into.len();
    into.extend_from_slice(&[0; 4]);
    write(into);
    patch(into, at, at + 4);
}

/// Puts at `at` how many bytes there are from `from` on.
fn patch(bytes: &mut [u8], at: usize, from: usize) {
    let length = u32::try_from(bytes.len() - from).ok().filter(|&length| length != REMOVED);
    bytes[at..at + 4].copy_from_slice(&length.expect("an entry is shorter than 4 GiB").to_le_bytes());
}

/// Writes the keys of an operator. Nothing is written if no key is.
#[derive(Debug)]
pub(crate) struct KeysWriter<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    first: usize,
}

impl KeysWriter<'_> {
    /// The key has this value from now on.
    pub(crate) fn put(&mut self, key: impl FnOnce(&mut Vec<u8>), value: impl FnOnce(&mut Vec<u8>)) {
        let at = self.key(key);
        let value_at = self.bytes.len();
        value(self.bytes);
        patch(self.bytes, at + 4, value_at);
    }

    /// The key is gone from now on.
    pub(crate) fn remove(&mut self, key: impl FnOnce(&mut Vec<u8>)) {
        let at = self.key(key);
        self.bytes[at + 4..at + 8].copy_from_slice(&REMOVED.to_le_bytes());
    }

    fn key(&mut self, key: impl FnOnce(&mut Vec<u8>)) -> usize {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 8]);
        key(self.bytes);
        patch(self.bytes, at, at + 8);
        at
    }
}

impl Drop for KeysWriter<'_> {
    fn drop(&mut self) {
        if self.bytes.len() == self.first {
            self.bytes.truncate(self.start);
        } else {
            patch(self.bytes, self.first - 4, self.first);
        }
    }
}

/// Something that an operator said, as it is in the state.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    /// The batch that said it; of keys that were compacted, the last that may have.
    pub epoch: Epoch,
    pub time: BatchTime,
    pub worker: u32,
    pub what: What<'a>,
}

/// See [`PartWriter`].
#[derive(Clone, Debug)]
pub(crate) enum What<'a> {
    Pane(&'a [u8]),
    Keys(KeysReader<'a>),
}

/// Keys and values in the order in which they were written; `None` if the key was removed.
#[derive(Clone, Debug)]
pub(crate) struct KeysReader<'a> {
    /// Checked when the file was read.
    bytes: &'a [u8],
}
