//! Reads a place: its files, what is cut off, and the state as of a batch.
//!
//! Nothing on disk is touched before [`Log::start`](super::Log::start), so a job that is refused leaves it as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, ErrorKind},
    sync::Arc,
};

use crate::{
    checkpoint::{
        CheckpointError, Identity, Program, ReplayOrigin, Storage, crash_point,
        frame::{Head, Kind},
        image::{Batch, Image, LogFile, Tail},
        places::await_leaving,
        restored::Restored,
    },
    ids::Epoch,
    time::BatchTime,
    timeline::{Follows, Jump, rhythm::Rhythm},
};

/// A tail that a crash has left unfinished, and that is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TornTail {
    pub file: String,
    /// What is kept of it.
    pub at: u64,
    /// What is not.
    pub bytes: u64,
}

/// The author's declarations about earlier operators and sources, by their ids (which have a slash) and ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    /// Old id to new id.
    pub rename: BTreeMap<String, String>,
    /// Old ids whose state is dropped. They are applied before the renaming, at each start for which they are given.
    pub forget: BTreeSet<String>,
}

/// The files of a place, read.
#[derive(Debug)]
pub(super) struct LogReading {
    pub image: Image,
    pub base: Option<BaseFile>,
    pub tail: Tail,
    /// Logs without anything in them, the newest first.
    pub void: Vec<String>,
    /// What a newer base has taken the place of.
    pub leftovers: Vec<String>,
    /// The number of the next log.
    pub next: u64,
}

/// A base as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BaseFile {
    /// Of the first log that it does not hold.
    pub number: u64,
    pub bytes: u64,
    pub epoch: Epoch,
}

/// Reads the newest base and the logs from its number on, up to `before` if that is given.
pub(super) fn read(storage: &dyn Storage, before: Option<u64>) -> Result<LogReading, CheckpointError> {
    let names = storage.list().map_err(CheckpointError::io("listing", ""))?;
    let mut files: Vec<_> = names.iter().filter_map(|(name, _)| Kind::of(name)).collect();
    files.sort();
    files.retain(|&(kind, number)| kind == Kind::Base || before.is_none_or(|before| number < before));
    let base = files.iter().filter(|(kind, _)| *kind == Kind::Base).map(|&(_, number)| number).next_back();
    let first = base.unwrap_or(1);
    let (stays, goes): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|&(kind, number)| if kind == Kind::Base { Some(number) == base } else { number >= first });
    let mut reading = LogReading {
        image: Image::default(),
        base: None,
        tail: Tail::default(),
        void: Vec::new(),
        leftovers: goes.into_iter().map(|(kind, number)| kind.name(number)).collect(),
        next: first,
    };
    if let Some(number) = base {
        reading.base(storage, number)?;
    }
    let logs = stays.into_iter().filter(|(kind, _)| *kind == Kind::Log).map(|(_, number)| number);
    reading.logs(storage, logs.collect(), before.is_none())?;
    Ok(reading)
}

impl TornTail {
    pub(super) fn of(file: String, at: usize, length: usize) -> Option<TornTail> {
        (length > at).then(|| TornTail { file, at: at as u64, bytes: (length - at) as u64 })
    }
}

impl LogReading {
    fn base(&mut self, storage: &dyn Storage, number: u64) -> Result<(), CheckpointError> {
        let bytes = contents(storage, Kind::Base, number)?;
        let length = bytes.len() as u64;
        self.image.read_base(number, bytes)?;
        let (epoch, _) = self.image.base.expect("it was just read");
        self.base = Some(BaseFile { number, bytes: length, epoch });
        Ok(())
    }

    fn logs(
        &mut self,
        storage: &dyn Storage,
        numbers: Vec<u64>,
        with_newest: bool,
    ) -> Result<(), CheckpointError> {
        let mut logs = Vec::with_capacity(numbers.len());
        for number in numbers {
            if number != self.next {
                let what = format!("it is missing, but `{}` is there", Kind::Log.name(number));
                return Err(CheckpointError::corrupt(&Kind::Log.name(self.next), 0, what));
            }
            logs.push((number, contents(storage, Kind::Log, number)?));
            self.next += 1;
        }
        if with_newest && let Some((number, bytes)) = logs.pop_if(|(_, bytes)| Head::is_torn(bytes)) {
            self.void(number);
            self.tail.cut = TornTail::of(Kind::Log.name(number), 0, bytes.len());
        }
        let follows: Vec<_> = logs.iter().map(|(_, bytes)| Head::decode(bytes).ok()).collect();
        let count = logs.len();
        for (nth, (number, bytes)) in logs.into_iter().enumerate() {
            let counts = follows.get(nth + 1).and_then(|head| head.as_ref()).map(|head| head.follows);
            let newest = with_newest && nth + 1 == count;
            let tail = self.image.read_log(number, bytes, counts, newest)?;
            if tail.void {
                self.void(number);
            }
            let cut = tail.cut.clone().or(self.tail.cut.take());
            self.tail = Tail { cut, ..tail };
        }
        Ok(())
    }

    /// A log that holds nothing is removed, and its number is taken again.
    fn void(&mut self, number: u64) {
        self.void.push(Kind::Log.name(number));
        self.next = number;
    }
}

fn contents(storage: &dyn Storage, kind: Kind, number: u64) -> Result<Vec<u8>, CheckpointError> {
    let name = kind.name(number);
    storage.read(&name).map_err(CheckpointError::io("reading", &name))
}

/// A place that is locked and read.
pub(crate) struct Opened {
    storage: Arc<dyn Storage>,
    guard: Box<dyn Send>,
    reading: LogReading,
    /// The identity that it gets if it has none yet.
    fresh: Identity,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("storage", &self.storage)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

/// Locks the place and reads all of it. What a torn tail has after its last good frame is left out.
pub(crate) fn open(storage: Arc<dyn Storage>) -> Result<Opened, CheckpointError> {
    let place = format!("{storage:?}");
    let is_taken = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
    let locked = match storage.lock() {
        Err(error) if is_taken(&error) => {
            // It may have become free meanwhile, too.
            await_leaving(&place);
            storage.lock()
        }
        locked => locked,
    };
    let guard = locked.map_err(|error| match is_taken(&error) {
        true => CheckpointError::Taken { place, by: error.to_string() },
        false => CheckpointError::io("locking", "")(error),
    })?;
    let reading = read(&*storage, None)?;
    if let Some(TornTail { file, at, bytes }) = &reading.tail.cut {
        tracing::warn!(
            file,
            at,
            bytes,
            "the end of the checkpoint's log cannot be read, as after a crash in the middle of a write; it is left out"
        );
    }
    crash_point("recovery-read");
    Ok(Opened { storage, guard, reading, fresh: rand::random() })
}

/// Reads all of a place that another process has locked and does not write to now: [`Opened::restore`] gives the state,
/// and nothing can be written.
pub(crate) fn look(storage: Arc<dyn Storage>) -> Result<Opened, CheckpointError> {
    let reading = read(&*storage, None)?;
    Ok(Opened { storage, guard: Box::new(()), reading, fresh: rand::random() })
}

impl Opened {
    /// The newest; `None` if nothing is there.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.reading.image.program.as_deref()
    }

    /// Tells this checkpoint from all others.
    pub(crate) fn identity(&self) -> Identity {
        self.program().and_then(|program| program.identity).unwrap_or(self.fresh)
    }

    /// Whether anything was ever written of an operator.
    pub(crate) fn has_state_of(&self, operator: &str) -> bool {
        let image = &self.reading.image;
        let place = image.operators.iter().position(|name| name.as_deref() == Some(operator));
        let entries = image.base_entries.iter().chain(image.batches.iter().flat_map(|batch| &batch.entries));
        place.is_some_and(|place| entries.into_iter().any(|entry| entry.operator as usize == place))
    }

    /// The last batch that is there.
    pub(crate) fn head(&self) -> Option<(Epoch, BatchTime)> {
        self.reading.image.head()
    }

    /// The batch before which nothing can be restored any more.
    pub(crate) fn base(&self) -> Option<(Epoch, BatchTime)> {
        self.reading.image.base
    }

    /// The last batch that all sinks had, as far as is known here.
    pub(crate) fn delivered(&self) -> Option<Epoch> {
        self.reading.image.delivered.min(self.head().map(|(epoch, _)| epoch))
    }

    /// The time of a batch, from the base on.
    pub(crate) fn time_of(&self, epoch: Epoch) -> Option<BatchTime> {
        let mut known = self.base().into_iter().chain(self.batches());
        known.find(|(of, _)| *of == epoch).map(|(_, time)| time)
    }

    /// The time of the last batch that is not later, from the base on.
    pub(crate) fn time_by(&self, time: BatchTime) -> Option<BatchTime> {
        let known = self.base().into_iter().chain(self.batches());
        known.map(|(_, known)| known).take_while(|known| *known <= time).last()
    }

    /// The last batch behind the base that had a source whose records do not come again.
    pub(crate) fn last_lost(&self) -> Option<Epoch> {
        let lost = |batch: &&Batch| {
            batch.program.sources.iter().any(|source| source.replay_origin == ReplayOrigin::Never)
        };
        self.reading.image.batches.iter().rfind(lost).map(|batch| batch.mark.epoch)
    }

    /// The epochs and times of the batches behind the base.
    pub(crate) fn batches(&self) -> impl Iterator<Item = (Epoch, BatchTime)> {
        self.reading.image.batches.iter().map(|batch| (batch.mark.epoch, batch.mark.time))
    }

    /// As [`batches`](Opened::batches), with how each follows the one before.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (Epoch, BatchTime, Follows)> {
        let marks = self.reading.image.batches.iter().map(|batch| &batch.mark);
        marks.map(|mark| (mark.epoch, mark.time, mark.follows))
    }

    /// The first place before the base, of those that matter, where time jumped.
    pub(crate) fn first_jump(&self) -> Option<Jump> {
        self.reading.image.base_timeline.stretches().first().map(|stretch| stretch.jump())
    }

    /// When what has this rhythm was renewed last, as of the base.
    pub(crate) fn last_due(&self, rhythm: &Rhythm) -> Option<BatchTime> {
        let (_, base) = self.base()?;
        Some(rhythm.last(base, &self.reading.image.base_timeline))
    }

    /// What is cut off the newest log: a batch that was being written when the process died, or damage that looks the same.
    #[cfg(test)]
    pub(crate) fn cut(&self) -> Option<&TornTail> {
        self.reading.tail.cut.as_ref()
    }

    /// The state as of the end of `at`, or before the first batch if `None`, and what runs again.
    ///
    /// # Panics
    ///
    /// If `at` is not between the base and the head.
    pub(crate) fn restore(
        self,
        at: Option<Epoch>,
        edits: Edits,
    ) -> Result<(Restored, Place), CheckpointError> {
        let Opened {
            storage,
            guard,
            fresh: _,
            reading: LogReading { mut image, base, tail, void, leftovers, next },
        } = self;
        assert!(at >= image.base.map(|(epoch, _)| epoch), "nothing is known from before the base");
        assert!(at <= image.head().map(|(epoch, _)| epoch), "nothing is known from after the last batch");
        image.edit(&edits).map_err(|what| CheckpointError::Incompatible { what })?;
        let newest = image.logs.last().zip(image.files.last());
        let rewrite = newest
            .map(|(log, bytes)| (Kind::Log.name(log.number), bytes.clone()))
            .filter(|(name, _)| tail.unproven || tail.cut.as_ref().is_some_and(|cut| cut.file == *name));
        let place = Place {
            storage,
            guard,
            base,
            void,
            rewrite,
            leftovers,
            next,
            head: image.head(),
            at,
            first_behind: image.split(at).1.first().map(|batch| batch.mark.epoch),
            ran: programs(image.split(at).1),
            program: image.program.clone(),
            inputs: logged(&image),
            logs: std::mem::take(&mut image.logs),
            edits,
        };
        Ok((Restored::new(image, at), place))
    }
}

/// The program that ran these batches.
fn programs(batches: &[Batch]) -> Vec<Arc<Program>> {
    let mut programs: Vec<Arc<Program>> = batches.iter().map(|batch| batch.program.clone()).collect();
    programs.dedup_by(|a, b| Arc::ptr_eq(a, b));
    programs
}

/// How many records of each source are logged, or in the state.
fn logged(image: &Image) -> BTreeMap<String, u64> {
    let sources = image.sources(image.head().map(|(epoch, _)| epoch));
    let mut logged: BTreeMap<_, _> =
        sources.into_iter().map(|(port, mark)| (port.to_owned(), mark.total)).collect();
    for input in &image.inputs {
        let reached = logged.entry(input.port.clone()).or_default();
        *reached = (*reached).max(input.first + input.count);
    }
    logged
}

/// The part of a place that the writer needs, and what it has to put in order before it writes.
pub(crate) struct Place {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) guard: Box<dyn Send>,
    pub(super) base: Option<BaseFile>,
    pub(super) logs: Vec<LogFile>,
    /// Logs without anything in them, the newest first.
    pub(super) void: Vec<String>,
    /// The newest log, if its end was cut or may be in memory only, and what of it counts.
    pub(super) rewrite: Option<(String, Arc<Vec<u8>>)>,
    pub(super) leftovers: Vec<String>,
    /// The number of the next log.
    pub(super) next: u64,
    pub(super) head: Option<(Epoch, BatchTime)>,
    pub(super) at: Option<Epoch>,
    /// The first batch behind `at`.
    pub(super) first_behind: Option<Epoch>,
    /// The programs of the batches behind `at`.
    pub(super) ran: Vec<Arc<Program>>,
    /// The newest.
    pub(super) program: Option<Arc<Program>>,
    pub(super) inputs: BTreeMap<String, u64>,
    pub(super) edits: Edits,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("storage", &self.storage)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
