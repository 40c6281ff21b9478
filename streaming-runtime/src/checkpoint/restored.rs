//! The state that a job resumes from, and the batches and the input behind it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    checkpoint::{
        Entry, EntryContent, KeysReader, SourceMark,
        image::{Batch, Image, StoredEntry},
    },
    ids::Epoch,
    time::BatchTime,
    timeline::{Follows, Timeline},
};

/// The state as of a batch, and what is replayed behind it.
#[derive(Debug)]
pub(crate) struct Restored {
    pub at: Option<Epoch>,
    pub time: Option<BatchTime>,
    /// Where time did not go on closely, up to `at`.
    pub timeline: Timeline,
    /// By port, as of `at`; empty if that is `None`. Sources that only earlier programs had are among them.
    pub sources: Vec<(String, SourceMark)>,
    /// The batches behind `at`, in order.
    pub replay: Vec<ReplayMark>,
    /// By port, what was logged of its input and has records after `at`, oldest first.
    pub inputs: BTreeMap<String, Vec<Input>>,
    files: Vec<Arc<Vec<u8>>>,
    entries: BTreeMap<String, Vec<StoredEntry>>,
}

/// A batch that runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplayMark {
    pub epoch: Epoch,
    pub time: BatchTime,
    pub follows: Follows,
    /// By port, the sources of the program that ran it first.
    pub sources: Vec<(String, SourceMark)>,
}

/// Input that was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// The number of its first record; the first of a source is 0.
    pub first: u64,
    pub count: u64,
    pub bytes: Vec<u8>,
}

impl Restored {
    pub(super) fn new(image: Image, at: Option<Epoch>) -> Restored {
        let (done, behind) = image.split(at);
        let time = done.last().map(|batch| batch.mark.time).or(image.base.map(|(_, time)| time));
        let replay = behind.iter().map(|Batch { mark, program, .. }| ReplayMark {
            epoch: mark.epoch,
            time: mark.time,
            follows: mark.follows,
            sources: (program.sources.iter().map(|source| source.port.clone()))
                .zip(mark.sources.iter().cloned())
                .collect(),
        });
        let replay = replay.collect();
        let timeline = image.timeline(at);
        let sources = image.sources(at);
        let mut inputs: BTreeMap<String, Vec<Input>> = BTreeMap::new();
        for input in image.inputs_behind(&sources) {
            let bytes = image.files[input.file][input.bytes.clone()].to_vec();
            let of_port = inputs.entry(input.port.clone()).or_default();
            of_port.push(Input { first: input.first, count: input.count, bytes });
        }
        let mut entries: BTreeMap<String, Vec<StoredEntry>> = BTreeMap::new();
        for entry in image.live(at) {
            let name = image.operators[entry.operator as usize].as_deref().expect("what is live has a name");
            entries.entry(name.to_owned()).or_default().push(entry.clone());
        }
        let sources = sources.into_iter().map(|(port, mark)| (port.to_owned(), mark)).collect();
        Restored { at, time, timeline, sources, replay, inputs, files: image.files, entries }
    }

    /// All live entries of an operator, by its new id, oldest first: the base, then the batches in order, then by
    /// worker. Of a key that occurs more than once the last counts.
    ///
    /// Costs nothing but the walk: the bytes are those of the files.
    pub(crate) fn entries(&self, operator: &str) -> impl Iterator<Item = Entry<'_>> {
        self.entries.get(operator).into_iter().flatten().map(|stored| {
            let bytes = &self.files[stored.file][stored.bytes.clone()];
            let content = if stored.keys {
                EntryContent::Keys(KeysReader::new(bytes))
            } else {
                EntryContent::Pane(bytes)
            };
            Entry { time: stored.time, worker: stored.worker, content }
        })
    }
}
