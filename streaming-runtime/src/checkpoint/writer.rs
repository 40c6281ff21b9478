//! The writer without its thread: when something is appended, when a log is closed, and when it is compacted.
//!
//! It has no thread, so that tests can drive it call by call and replay a failure from its seed.

mod open_log;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
};

use self::open_log::OpenLog;
use crate::{
    checkpoint::{
        CheckpointError, Edits, Mark, Place, Program, Storage,
        compact::{self, Compaction},
        crash_point, format,
        frame::HEAD,
        image::LogFile,
        recover::BaseFile,
    },
    ids::Epoch,
};

/// Sizes, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The least size at which a log is closed, to be compacted. It is larger if the base is.
    pub segment: u64,
    /// How many times the base that size is: what a compaction writes is bounded by what was logged.
    pub bases: u64,
    /// The size of the frames of a base.
    pub frame: usize,
    /// How much is gathered before it is appended.
    pub group: usize,
    /// How many appends at most wait for one sync.
    pub appends: u64,
    /// How many small logs, of jobs that ended soon, are compacted whatever their size.
    pub logs: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { segment: 64 << 10, bases: 4, frame: 1 << 20, group: 1 << 20, appends: 16, logs: 8 }
    }
}

/// What a crash cannot take any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Durable {
    /// All batches up to this.
    pub epoch: Option<Epoch>,
    /// Of each source that logs its input, how many records, in the order of [`Program::sources`].
    pub inputs: Vec<u64>,
}

/// The commands of the writer.
#[derive(Debug)]
pub(super) enum Message {
    Mark(Mark),
    Part(Epoch, u32, Vec<u8>),
    Input { port: u32, first: u64, count: u64, bytes: Vec<u8> },
    Delivered(Epoch),
    Compacted(Result<BaseFile, CheckpointError>),
    Close,
}

pub(super) struct Writer {
    storage: Arc<dyn Storage>,
    program: Program,
    settings: Settings,
    workers_with_state: usize,
    stop: Arc<AtomicBool>,
    log: OpenLog,
    closed: Vec<LogClosed>,
    base: Option<BaseFile>,
    waiting: BTreeMap<Epoch, WaitingBatches>,
    /// The batch that is written next; the first that is marked if there was none.
    next: Option<Epoch>,
    /// The last batch that was there at the start. What is up to it and runs again is in two logs until it is reached.
    found: Option<Epoch>,
    delivered: Option<Epoch>,
    durable: Durable,
    /// What will be durable after the next sync.
    reached: Durable,
    compacting: bool,
    /// After a failure: how much must be in the logs before it is tried again.
    retry_above: u64,
    /// Dropped last: the place is ours until then.
    _guard: Box<dyn Send>,
}

/// A log that does not grow any more.
#[derive(Debug)]
struct LogClosed {
    number: u64,
    bytes: u64,
    /// The last batch in it and those before.
    last: Option<Epoch>,
    /// No batch up to that is in a later log, as those are that ran again in another program.
    ends_whole: bool,
}

/// A batch of which not all is there.
#[derive(Default)]
struct WaitingBatches {
    mark: Option<Mark>,
    parts: Vec<(u32, Vec<u8>)>,
}

/// The logs of earlier jobs, when `next` is the batch that is written next.
fn closed(logs: &[LogFile], next: Option<Epoch>) -> Vec<LogClosed> {
    let mut closed = Vec::new();
    let mut behind = next;
    for log in logs.iter().rev() {
        let ends_whole = behind.is_none() || log.last < behind;
        closed.push(LogClosed { number: log.number, bytes: log.bytes, last: log.last, ends_whole });
        behind = [behind, log.first].into_iter().flatten().min();
    }
    closed.reverse();
    closed
}

impl Writer {
    /// Puts the place in order and opens a log.
    pub(super) fn start(
        place: Place,
        program: Program,
        settings: Settings,
        workers_with_state: usize,
        stop: Arc<AtomicBool>,
    ) -> Result<Writer, CheckpointError> {
        let storage = place.storage;
        let rewritten = place.rewrite.is_some();
        if let Some((name, bytes)) = place.rewrite {
            crash_point("before-cut");
            // Not truncated, but written anew: after a sync that failed, what is read may be in memory only, and a
            // second sync of that file would say that all is well.
            let mut parts = bytes.chunks(settings.frame).map(|part| Ok(part.to_vec()));
            storage.publish(&name, &mut parts).map_err(CheckpointError::writing("writing", &name))?;
            crash_point("after-cut");
        }
        for name in place.void {
            storage.remove(&name).map_err(CheckpointError::io("removing", &name))?;
        }
        let other_operators = |ran: &Arc<Program>| ran.operators != program.operators;
        let otherwise = place.edits != Edits::default() || place.ran.iter().any(other_operators);
        let again = place.first_behind.filter(|_| otherwise);
        let follows = place.logs.last().map_or(0, |log| if rewritten { log.bytes } else { log.proven });
        let mut log = OpenLog::create(&*storage, place.next, follows)?;
        log.frame(|| "the program".to_owned(), |into| format::program(into, &program, &place.edits, again))?;
        let place_of = |program: &Program| (program.processes, program.workers);
        let then = place.program.as_ref();
        if then.is_some_and(|then| place_of(then) != place_of(&program))
            || then.and_then(|then| then.identity) != program.identity
        {
            // Sinks of other processes may get batches that are durable already, before anything is written: where those
            // are must be known after the next crash. And sinks say of what they have to which checkpoint it belongs.
            log.append()?;
            log.sync()?;
        }
        // The new log's name is durable, and with it all names before it: now what they replace may go.
        place.leftovers.iter().for_each(|name| compact::remove(&*storage, name));
        crash_point("recovery-end");
        let found = place.head.map(|(epoch, _)| epoch);
        let next = again.or(found.map(|epoch| epoch + 1));
        let closed = closed(&place.logs, next);
        let inputs = program
            .sources
            .iter()
            .map(|source| place.inputs.get(&source.port).copied().unwrap_or(0))
            .collect();
        let durable = Durable { epoch: if again.is_some() { place.at } else { found }, inputs };
        Ok(Writer {
            storage,
            program,
            settings,
            workers_with_state,
            stop,
            log,
            closed,
            base: place.base,
            waiting: BTreeMap::new(),
            next,
            found,
            delivered: place.at,
            reached: durable.clone(),
            durable,
            compacting: false,
            retry_above: 0,
            _guard: place.guard,
        })
    }

    /// What is durable now.
    pub(super) fn durable(&self) -> &Durable {
        &self.durable
    }

    /// Takes in what there is to say, and frames what is complete by it.
    pub(super) fn take(&mut self, message: Message) -> Result<(), CheckpointError> {
        match message {
            Message::Mark(mark) => {
                // In a new place, counting begins with the first mark.
                let next = *self.next.get_or_insert(mark.epoch);
                let epoch = mark.epoch;
                if epoch >= next {
                    self.waiting.entry(epoch).or_default().mark = Some(mark);
                }
            }
            Message::Part(epoch, worker, bytes) => {
                if self.next.is_none_or(|next| epoch >= next) {
                    let parts = &mut self.waiting.entry(epoch).or_default().parts;
                    assert!(
                        parts.iter().all(|(of, _)| *of != worker),
                        "worker {worker} has said epoch {epoch} twice"
                    );
                    parts.push((worker, bytes));
                }
            }
            Message::Input { port, first, count, bytes } => {
                let what = || format!("input of `{}`", self.program.sources[port as usize].port);
                self.log.frame(what, |into| format::input(into, port, first, count, &bytes))?;
                let reached = &mut self.reached.inputs[port as usize];
                *reached = (*reached).max(first + count);
            }
            Message::Delivered(epoch) => self.delivered = self.delivered.max(Some(epoch)),
            Message::Compacted(done) => self.compacted(done),
            Message::Close => {}
        }
        self.frame_complete()?;
        if self.log.buffer.len() >= self.settings.group { self.log.append() } else { Ok(()) }
    }

    fn frame_complete(&mut self) -> Result<(), CheckpointError> {
        while let Some(next) = self.next
            && let Some(waiting) = self.waiting.get(&next)
            && let Some(mark) = &waiting.mark
            && waiting.parts.len() == self.workers_with_state
        {
            let delivered = self.delivered.min(Some(next));
            let what = || format!("the batch of {}", mark.time);
            self.log.frame(what, |into| format::epoch(into, mark, delivered, &waiting.parts))?;
            self.waiting.remove(&next);
            self.reached.epoch = Some(next);
            self.next = Some(next + 1);
        }
        Ok(())
    }

    /// Whether there is enough for a sync, however much more waits.
    pub(super) fn has_much(&self) -> bool {
        self.log.appends >= self.settings.appends
    }

    /// Makes durable what was framed. Says whether that is more than before.
    pub(super) fn commit(&mut self) -> Result<bool, CheckpointError> {
        if self.reached == self.durable {
            return Ok(false);
        }
        self.log.append()?;
        self.log.sync()?;
        self.durable.clone_from(&self.reached);
        Ok(true)
    }

    /// Writes the closing record of a log: what was delivered, and that all before it is on disk.
    pub(super) fn close_log(&mut self) -> Result<(), CheckpointError> {
        // Where sinks do not wait for the disk they may have more than there is.
        let delivered = self.delivered.min(self.reached.epoch);
        // The closing record of the log before does not count any more: this log's head may have been written without it.
        if delivered.is_none() && self.log.appended == HEAD as u64 {
            return Ok(());
        }
        self.log.frame(|| "the closing record".to_owned(), |into| format::closing(into, delivered))?;
        self.log.append()?;
        self.log.sync()
    }

    /// How much is logged before it is closed and compacted.
    fn threshold(&self) -> u64 {
        self.settings.segment.max(self.base.map_or(0, |base| base.bytes * self.settings.bases))
    }

    /// Closes the log and opens the next, if it is long enough. To be called when all is committed.
    pub(super) fn roll_if_due(&mut self) -> Result<(), CheckpointError> {
        // Batches that are written again must not be parted from the first that is new: a base between the two would
        // hold what the old program said of the others.
        let runs_again = self.next <= self.found;
        if self.log.synced <= self.threshold() || self.log.synced < self.log.length() || runs_again {
            return Ok(());
        }
        let last = self.durable.epoch;
        let number = self.log.head.number;
        self.closed.push(LogClosed { number, bytes: self.log.synced, last, ends_whole: true });
        self.log = OpenLog::create(&*self.storage, number + 1, self.log.synced)?;
        let program = &self.program;
        let what = || "the program".to_owned();
        self.log.frame(what, |into| format::program(into, program, &Edits::default(), None))
    }

    /// The compaction that is due, if one is; report its result to [`compacted`](Writer::compacted).
    pub(super) fn compaction(&mut self) -> Option<Compaction> {
        let after_base = |last| last > self.base.map(|base| base.epoch);
        let may = |log: &LogClosed| log.ends_whole && after_base(log.last) && log.last <= self.delivered;
        let upto = self.closed.iter().rposition(may)?;
        let bytes: u64 = self.closed[..=upto].iter().map(|log| log.bytes).sum();
        let much = bytes >= self.threshold() || upto + 1 >= self.settings.logs;
        if self.compacting || !much || self.logged() < self.retry_above {
            return None;
        }
        self.compacting = true;
        Some(Compaction {
            storage: self.storage.clone(),
            before: self.closed[upto].number + 1,
            frame: self.settings.frame,
            stop: self.stop.clone(),
        })
    }

    /// The bytes of all logs.
    fn logged(&self) -> u64 {
        self.closed.iter().map(|log| log.bytes).sum::<u64>() + self.log.length()
    }

    /// A compaction has ended. A failure is not one of the job: the logs are all that is needed. It is tried again when
    /// there is twice as much.
    pub(super) fn compacted(&mut self, done: Result<BaseFile, CheckpointError>) {
        self.compacting = false;
        match done {
            Ok(base) => {
                self.closed.retain(|log| log.number >= base.number);
                self.base = Some(base);
                self.retry_above = 0;
            }
            Err(error) => {
                self.retry_above = 2 * self.logged();
                tracing::warn!(%error, "the checkpoint is not compacted; it is tried again when it is twice as large");
            }
        }
    }
}
