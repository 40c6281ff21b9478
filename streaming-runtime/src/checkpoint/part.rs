//! What the operators of one worker write of a batch: a list of entries, written without an allocation per key.
//!
//! An entry is `operator u32, kind u8, until u64 (only panes that end), length u32, bytes`. The bytes of a pane are the
//! operator's own; those of keys are `(length of key u32, length of value u32, key, value)*`, where a length of
//! `u32::MAX` says that the key is removed. All numbers are little-endian.

use crate::{checkpoint::format::FormatReader, time::BatchTime};
use std::ops::Range;

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
    /// What an operator took in at this batch; dead once a batch of time `until` or later is in the state.
    pub(crate) fn pane(&mut self, operator: u32, until: Option<BatchTime>, bytes: impl FnOnce(&mut Vec<u8>)) {
        begin_entry(&mut self.bytes, operator, if until.is_some() { PANE } else { PANE_FOR_EVER }, until);
        lengthed(&mut self.bytes, bytes);
    }

    /// Keys of an operator that are changed or removed by this batch.
    pub(crate) fn keys(&mut self, operator: u32) -> KeysWriter<'_> {
        KeysWriter::begin(&mut self.bytes, operator)
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

/// Writes the keys of an operator, each once. Nothing is written if no key is.
#[derive(Debug)]
pub(crate) struct KeysWriter<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    first: usize,
}

impl<'a> KeysWriter<'a> {
    fn begin(bytes: &'a mut Vec<u8>, operator: u32) -> Self {
        let start = bytes.len();
        begin_entry(bytes, operator, KEYS, None);
        bytes.extend_from_slice(&[0; 4]);
        KeysWriter { start, first: bytes.len(), bytes }
    }

    /// The key has this value from now on.
    pub(crate) fn put(&mut self, key: impl FnOnce(&mut Vec<u8>), value: impl FnOnce(&mut Vec<u8>)) {
        let at = self.key(key);
        let value_at = self.bytes.len();
        value(self.bytes);
        patch(self.bytes, at + 4, value_at);
    }

    /// Copies a key and its value.
    pub(super) fn copy(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, value] {
            // Each was read from a list of this kind.
            self.bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
    }

    /// The contents of the buffer so far.
    pub(super) fn written(&self) -> usize {
        self.bytes.len()
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

/// An entry, and where in its part its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawEntry {
    pub operator: u32,
    pub keys: bool,
    pub until: Option<BatchTime>,
    pub bytes: Range<usize>,
}

impl RawEntry {
    /// The next entry, checked, so that [`KeysReader`] need not.
    pub(super) fn read(reader: &mut FormatReader<'_>, part: &[u8]) -> Result<RawEntry, &'static str> {
        let (operator, kind) = (reader.u32()?, reader.u8()?);
        let until = if kind == PANE { Some(reader.time()?) } else { None };
        let length = reader.u32()? as usize;
        let bytes = reader.take(length)?;
        match kind {
            PANE | PANE_FOR_EVER => Ok(RawEntry { operator, keys: false, until, bytes }),
            KEYS if KeysReader::check(&part[bytes.clone()]) => {
                Ok(RawEntry { operator, keys: true, until, bytes })
            }
            KEYS => Err("a list of keys that is none"),
            _ => Err("an entry of an unknown kind"),
        }
    }

    /// Writes a pane as it was, of the operator that has the place `operator` now.
    pub(super) fn copy_pane(into: &mut Vec<u8>, operator: u32, until: Option<BatchTime>, bytes: &[u8]) {
        begin_entry(into, operator, if until.is_some() { PANE } else { PANE_FOR_EVER }, until);
        lengthed(into, |into| into.extend_from_slice(bytes));
    }

    /// Writes keys through a [`KeysWriter`] of a buffer that is not a part.
    pub(super) fn copy_keys(into: &mut Vec<u8>, operator: u32) -> KeysWriter<'_> {
        KeysWriter::begin(into, operator)
    }
}

/// An entry of an operator, as it is in the state.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    /// The time of the batch that wrote it; for compacted keys, of the last batch that may have.
    pub time: BatchTime,
    pub worker: u32,
    pub content: EntryContent<'a>,
}

/// See [`PartWriter`].
#[derive(Clone, Debug)]
pub(crate) enum EntryContent<'a> {
    Pane(&'a [u8]),
    Keys(KeysReader<'a>),
}

/// Keys and values in the order in which they were written; `None` if the key was removed.
#[derive(Clone, Debug)]
pub(crate) struct KeysReader<'a> {
    /// Checked when the file was read.
    bytes: &'a [u8],
}

impl<'a> KeysReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        KeysReader { bytes }
    }

    fn check(bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((_, behind)) = split(rest) else { return false };
            rest = behind;
        }
        true
    }
}

type KeyAndValue<'a> = (&'a [u8], Option<&'a [u8]>);

fn split(bytes: &[u8]) -> Option<(KeyAndValue<'_>, &[u8])> {
    let (lengths, rest) = bytes.split_first_chunk::<8>()?;
    let [a, b, c, d, e, f, g, h] = *lengths;
    let (key, value) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let (key, rest) = rest.split_at_checked(key as usize)?;
    if value == REMOVED {
        return Some(((key, None), rest));
    }
    let (value, rest) = rest.split_at_checked(value as usize)?;
    Some(((key, Some(value)), rest))
}

impl<'a> Iterator for KeysReader<'a> {
    type Item = KeyAndValue<'a>;

    fn next(&mut self) -> Option<KeyAndValue<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        let (one, rest) = split(self.bytes).expect("the list was checked when its file was read");
        self.bytes = rest;
        Some(one)
    }
}
