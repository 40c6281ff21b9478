//! Inspects a checkpoint: what is in it, how large it is, and whether it is whole.

use crate::{
    checkpoint::{
        CheckpointError, Storage,
        format::Record,
        frame::{BadHead, Head, Kind},
        image::{Batch, Image, StoredEntry},
        part::KeysReader,
        recover,
    },
    panic_origin,
    time::BatchTime,
};
use std::{
    collections::{BTreeMap, HashSet},
    io::{
        ErrorKind, {self},
    },
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What is in a checkpoint.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Inspection {
    /// All files, oldest first.
    pub files: Vec<FileInspection>,
    /// The pipeline of the newest program that wrote there; empty if none has.
    pub pipeline: String,
    /// Its sinks.
    pub sinks: Vec<String>,
    /// The last batch of the base; nothing before it can be restored.
    pub base: Option<(u64, BatchTime)>,
    /// The last batch.
    pub head: Option<(u64, BatchTime)>,
    /// The last batch that all sinks had when the last batch was written.
    pub delivered: Option<u64>,
    /// The batches behind the base, in order.
    pub epochs: Vec<EpochInspection>,
    /// The state of each operator.
    pub operators: Vec<OperatorInspection>,
    /// Where the sources were at the last batch.
    pub sources: Vec<SourceInspection>,
    /// What is wrong; empty if the checkpoint is whole. With a problem that is not [`harmless`](Problem::harmless), a job does not start
    /// there, and the other fields may be incomplete.
    pub problems: Vec<Problem>,
}

/// A file of a checkpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileInspection {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// How many good frames are in it.
    pub frames: u64,
    /// The first and the last batch in it.
    pub epochs: Option<(u64, u64)>,
}

/// A batch that can run again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EpochInspection {
    /// Its number.
    pub epoch: u64,
    /// Its time.
    pub time: BatchTime,
    /// Its size on disk.
    pub bytes: u64,
    /// The file that has it.
    pub file: String,
    /// The records of each source.
    pub records: Vec<(String, u64)>,
}

/// The state of an operator at the last batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperatorInspection {
    /// Its id.
    pub id: String,
    /// The form of its state; `None` if the newest program has no such operator.
    pub state: Option<String>,
    /// Panes that have not ended.
    pub panes: u64,
    /// Keys that it keeps.
    pub keys: u64,
    /// The bytes of both on disk. A key that was written twice since the last compaction counts twice.
    pub bytes: u64,
}

/// Where a source was at the last batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceInspection {
    /// Its port.
    pub port: String,
    /// Its records up to the last batch.
    pub total: u64,
    /// The position from which it reads again, in its connector's own bytes, if it can.
    pub position: Option<Vec<u8>>,
    /// Its records after that.
    pub since: u64,
    /// Its records in the log, and their bytes, if it logs them.
    pub logged: (u64, u64),
}

/// A problem of a checkpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Problem {
    /// Whether the next start repairs it.
    pub harmless: bool,
    /// What it is, and where.
    pub what: String,
}

impl Inspection {
    /// Whether a job can start there, and nothing that was durable is known to be missing.
    pub fn is_whole(&self) -> bool {
        self.problems.iter().all(|problem| problem.harmless)
    }

    fn problem(&mut self, harmless: bool, what: impl Into<String>) {
        self.problems.push(Problem { harmless, what: what.into() });
    }
}

/// Reads a whole checkpoint and describes it. It changes nothing, and a job may go on writing meanwhile: a frame that is being written
/// counts as an unfinished tail.
///
/// # Errors
///
/// If the storage fails or panics. Damage is not an error here: it is in the [problems](Inspection::problems).
pub fn inspect(storage: &dyn Storage) -> Result<Inspection, CheckpointError> {
    // A job that writes may remove a file between being listed and being read. It does so rarely.
    let mut tries = 0;
    loop {
        tries += 1;
        let found = catch_unwind(AssertUnwindSafe(|| once(storage))).unwrap_or_else(|panic| {
            let panic = io::Error::other(format!("the storage panicked: {}", panic_origin::message(&*panic)));
            Err(CheckpointError::io("inspecting", "the place")(panic))
        });
        match found {
            Err(CheckpointError::Io { source, .. }) if source.kind() == ErrorKind::NotFound && tries < 5 => {}
            result => return result,
        }
    }
}

fn once(storage: &dyn Storage) -> Result<Inspection, CheckpointError> {
    let mut inspection = Inspection::default();
    inspection.list(storage)?;
    match recover::read(storage, None) {
        Ok(reading) => {
            if let Some(cut) = &reading.tail.cut {
                let what = format!(
                    "`{}` has {} bytes of an unfinished tail at byte {}; the next start cuts them off",
                    cut.file, cut.bytes, cut.at
                );
                inspection.problem(true, what);
            }
            for name in &reading.leftovers {
                let what = format!("`{name}` is left over from a compaction; the next start removes it");
                inspection.problem(true, what);
            }
            inspection.describe(&reading.image);
        }
        Err(error @ CheckpointError::Io { .. }) => return Err(error),
        Err(error) => inspection.problem(false, error.to_string()),
    }
    Ok(inspection)
}

impl Inspection {
    /// Each file by itself, so that there is something to see where they do not fit together.
    fn list(&mut self, storage: &dyn Storage) -> Result<(), CheckpointError> {
        let names = storage.list().map_err(CheckpointError::io("listing", ""))?;
        let mut files = Vec::new();
        for (name, _) in names {
            match Kind::of(&name) {
                Some((kind, number)) => files.push((number, kind, name)),
                None => self.problem(true, format!("`{name}` is no file of a checkpoint; it is left alone")),
            }
        }
        files.sort();
        for (_, _, name) in files {
            let bytes = storage.read(&name).map_err(CheckpointError::io("reading", &name))?;
            self.files.push(file(name, &bytes));
        }
        Ok(())
    }

    fn describe(&mut self, image: &Image) {
        let at = image.head().map(|(epoch, _)| epoch);
        (self.base, self.head, self.delivered) = (image.base, image.head(), image.delivered);
        if let Some(program) = &image.program {
            self.pipeline.clone_from(&program.pipeline);
            self.sinks = program.sinks.iter().map(|sink| sink.port.clone()).collect();
        }
        self.epochs = image.batches.iter().map(epoch).collect();
        let mut operators: BTreeMap<u32, OperatorInspection> = BTreeMap::new();
        let mut keys: BTreeMap<u32, HashSet<&[u8]>> = BTreeMap::new();
        for entry in image.live(at) {
            let operator = operators.entry(entry.operator).or_insert_with(|| operator(image, entry.operator));
            operator.bytes += entry.bytes.len() as u64;
            match entry.keys {
                true => write_over(keys.entry(entry.operator).or_default(), image, entry),
                false => operator.panes += 1,
            }
        }
        for (place, kept) in keys {
            operators.entry(place).and_modify(|operator| operator.keys = kept.len() as u64);
        }
        for (place, _) in image.operators.iter().enumerate().filter(|(_, id)| id.is_some()) {
            operators.entry(place as u32).or_insert_with(|| operator(image, place as u32));
        }
        self.operators = operators.into_values().collect();
        let logged = |port: &str| {
            let of_port = image.inputs.iter().filter(|input| input.port == port);
            of_port.fold((0, 0), |(records, bytes), input| {
                (records + input.count, bytes + input.bytes.len() as u64)
            })
        };
        let sources = image.sources(at).into_iter().map(|(port, mark)| SourceInspection {
            logged: logged(port),
            port: port.to_owned(),
            total: mark.total,
            position: mark.position,
            since: mark.since,
        });
        self.sources = sources.collect();
    }
}

fn file(name: String, bytes: &[u8]) -> FileInspection {
    let (mut frames, mut epochs) = (0, None::<(u64, u64)>);
    let length = bytes.len() as u64;
    if let Ok(head) = Head::decode(bytes).map_err(|_: BadHead| ()) {
        for frame in head.scan(bytes).frames {
            frames += 1;
            if let Ok(Record::Epoch { mark, .. }) = Record::decode(&bytes[frame.payload]) {
                epochs = Some((epochs.map_or(mark.epoch, |(first, _)| first), mark.epoch));
            }
        }
    }
    FileInspection { name, bytes: length, frames, epochs }
}

fn epoch(Batch { mark, program, bytes, log, .. }: &Batch) -> EpochInspection {
    let ports = program.sources.iter().map(|source| source.port.clone());
    let records = ports.zip(mark.sources.iter().map(|source| source.records));
    EpochInspection {
        epoch: mark.epoch,
        time: mark.time,
        bytes: *bytes,
        file: Kind::Log.name(*log),
        records: records.collect(),
    }
}

fn operator(image: &Image, place: u32) -> OperatorInspection {
    let id = image.operators[place as usize].clone().unwrap_or_default();
    let known = image.program.iter().flat_map(|program| &program.operators).find(|entry| entry.id == id);
    OperatorInspection { state: known.map(|entry| entry.state.clone()), id, panes: 0, keys: 0, bytes: 0 }
}

/// Applies a later entry to the keys of an operator.
fn write_over<'a>(keys: &mut HashSet<&'a [u8]>, image: &'a Image, entry: &StoredEntry) {
    for (key, value) in KeysReader::new(&image.files[entry.file][entry.bytes.clone()]) {
        match value {
            Some(_) => keys.insert(key),
            None => keys.remove(key),
        };
    }
}
