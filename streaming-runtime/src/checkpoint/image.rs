//! The contents of all files together: batches, entries and inputs, as positions in the files' bytes.
//!
//! Files are read in order: the base, then the logs from its number on. Restoring, compaction and inspection all begin here, so every
//! check here holds for all of them.

mod read;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

pub(super) use self::read::Tail;
use crate::{
    checkpoint::{Edits, Mark, Program, SourceMark},
    ids::Epoch,
    time::BatchTime,
    timeline::Timeline,
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub files: Vec<Arc<Vec<u8>>>,
    /// The newest.
    pub program: Option<Arc<Program>>,
    pub base: Option<(Epoch, BatchTime)>,
    /// As of the base.
    pub base_timeline: Timeline,
    /// By port, as of the base.
    pub base_sources: Vec<(String, SourceMark)>,
    pub base_entries: Vec<StoredEntry>,
    /// The batches behind the base, without a gap.
    pub batches: Vec<Batch>,
    pub inputs: Vec<StoredInput>,
    /// What operators are called now. A place whose operator was forgotten has no name, and may be followed by another
    /// that has the same one.
    pub operators: Vec<Option<String>>,
    /// As it was said last.
    pub delivered: Option<Epoch>,
    pub logs: Vec<LogFile>,
}

/// What a source is called that was forgotten: no port is.
const FORGOTTEN: &str = "";

/// A batch of a log.
#[derive(Debug)]
pub(super) struct Batch {
    pub mark: Mark,
    /// The program that ran it.
    pub program: Arc<Program>,
    pub entries: Vec<StoredEntry>,
    /// How many bytes it has on disk, and the number of its log.
    pub bytes: u64,
    pub log: u64,
}

/// An entry, and where it is.
#[derive(Clone, Debug)]
pub(super) struct StoredEntry {
    /// Its place in [`Image::operators`].
    pub operator: u32,
    pub epoch: Epoch,
    pub time: BatchTime,
    pub worker: u32,
    pub keys: bool,
    pub until: Option<BatchTime>,
    pub file: usize,
    pub bytes: Range<usize>,
}

/// Input that was logged, and where it is.
#[derive(Clone, Debug)]
pub(super) struct StoredInput {
    pub port: String,
    pub first: u64,
    pub count: u64,
    pub file: usize,
    pub bytes: Range<usize>,
}

/// A log as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogFile {
    pub number: u64,
    pub bytes: u64,
    /// How much of it is known to be on disk.
    pub proven: u64,
    /// Its first batch.
    pub first: Option<Epoch>,
    /// The last batch in it and those before.
    pub last: Option<Epoch>,
}

impl Image {
    /// The last batch that is there.
    pub(super) fn head(&self) -> Option<(Epoch, BatchTime)> {
        self.batches.last().map(|batch| (batch.mark.epoch, batch.mark.time)).or(self.base)
    }

    /// The batches up to `at`, and those behind.
    pub(super) fn split(&self, at: Option<Epoch>) -> (&[Batch], &[Batch]) {
        self.batches.split_at(self.batches.partition_point(|batch| Some(batch.mark.epoch) <= at))
    }

    /// The entries that are live as of `at`, at which the time was `time`, oldest first.
    pub(super) fn live(&self, at: Option<Epoch>) -> impl Iterator<Item = &StoredEntry> {
        let batches = self.split(at).0;
        let timeline = self.timeline(at);
        let time = batches.last().map(|batch| batch.mark.time).or(self.base.map(|(_, time)| time));
        let all = self.base_entries.iter().chain(batches.iter().flat_map(|batch| &batch.entries));
        all.filter(move |entry| {
            let dead = entry.until.zip(time).is_some_and(|(until, time)| timeline.is_over(until, time));
            !dead && self.operators[entry.operator as usize].is_some()
        })
    }

    /// Where time did not go on closely, up to `at`.
    pub(super) fn timeline(&self, at: Option<Epoch>) -> Timeline {
        let mut timeline = self.base_timeline.clone();
        self.split(at).0.iter().for_each(|batch| timeline.push(batch.mark.time, batch.mark.follows));
        timeline
    }

    /// The sources by port as of `at`. One that the program does not have any more stays as it was.
    pub(super) fn sources(&self, at: Option<Epoch>) -> BTreeMap<&str, SourceMark> {
        let mut newest: BTreeMap<&str, (&SourceMark, bool)> = self
            .base_sources
            .iter()
            .map(|(port, mark)| (port.as_str(), (mark, self.base.map(|b| b.0) == at)))
            .collect();
        for batch in self.split(at).0 {
            for (source, mark) in batch.program.sources.iter().zip(&batch.mark.sources) {
                newest.insert(&source.port, (mark, Some(batch.mark.epoch) == at));
            }
        }
        newest.remove(FORGOTTEN);
        let at_it = |(mark, at_it): (&SourceMark, bool)| match at_it {
            true => mark.clone(),
            false => SourceMark { records: 0, ..mark.clone() },
        };
        newest.into_iter().map(|(port, found)| (port, at_it(found))).collect()
    }

    /// The inputs with records that `sources` has not passed.
    pub(super) fn inputs_behind<'a>(
        &'a self,
        sources: &'a BTreeMap<&str, SourceMark>,
    ) -> impl Iterator<Item = &'a StoredInput> {
        self.inputs.iter().filter(|input| {
            input.first + input.count > sources.get(input.port.as_str()).map_or(0, |mark| mark.total)
        })
    }

    /// Applies what the author said. An operator of before that is not there is no matter, so that the same edits can
    /// be given again.
    pub(super) fn edit(&mut self, edits: &Edits) -> Result<(), String> {
        self.edit_sources(edits);
        for name in &mut self.operators {
            if name.as_ref().is_some_and(|name| edits.forget.contains(name)) {
                *name = None;
            } else if let Some(new) = name.as_ref().and_then(|name| edits.rename.get(name)) {
                *name = Some(new.clone());
            }
        }
        let mut names: Vec<_> = self.operators.iter().flatten().collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!(
                "two operators with state would be called `{}`: forget the state of one, or name it otherwise",
                pair[0]
            )),
            None => Ok(()),
        }
    }

    /// Ports are called what they are called now. Batches have their sources in a row, so one that was forgotten keeps
    /// its place there, without a name.
    fn edit_sources(&mut self, edits: &Edits) {
        let is_forgotten = |port: &String| edits.forget.contains(port);
        self.base_sources.retain(|(port, _)| !is_forgotten(port));
        self.inputs.retain(|input| !is_forgotten(&input.port));
        let ports = self.base_sources.iter_mut().map(|(port, _)| port);
        for port in ports.chain(self.inputs.iter_mut().map(|input| &mut input.port)) {
            if let Some(new) = edits.rename.get(port) {
                port.clone_from(new);
            }
        }
        let edited = |program: &Arc<Program>| {
            let mut program = Program::clone(program);
            for port in program.sources.iter_mut().map(|source| &mut source.port) {
                match edits.rename.get(port) {
                    Some(new) => port.clone_from(new),
                    None if is_forgotten(port) => FORGOTTEN.clone_into(port),
                    None => {}
                }
            }
            Arc::new(program)
        };
        let has = |program: &Program| {
            let mut ports = program.sources.iter().map(|source| &source.port);
            ports.any(|port| edits.rename.contains_key(port) || is_forgotten(port))
        };
        // Batches of one program go on sharing it.
        let mut last: Option<(Arc<Program>, Arc<Program>)> = None;
        let programs = self.batches.iter_mut().map(|batch| &mut batch.program).chain(&mut self.program);
        for program in programs.filter(|program| has(program)) {
            let (_, new) = match last.take_if(|(old, _)| Arc::ptr_eq(old, program)) {
                Some(known) => last.insert(known),
                None => last.insert((program.clone(), edited(program))),
            };
            *program = new.clone();
        }
    }
}
