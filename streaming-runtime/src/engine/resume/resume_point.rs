//! The batch from which a job goes on, by what its sinks have in all processes, and whether it can go on with the processes and workers
//! that there are now.
//!
//! Which process delivers a record depends on the numbers of workers and processes. A batch that some sinks have and others do not can
//! only be completed with the same numbers, so a job that crashed with such batches goes on as it was until they are delivered. An
//! idempotent sink that is still there gets a whole batch again, and is no obstacle.

use std::time::Duration;

use crate::{
    checkpoint::{CheckpointError, Opened, Program, Restored},
    engine::{
        cluster::{CommittedSink, ProcessReport},
        resume::port_names::process_of,
    },
    ids::Epoch,
    time::BatchTime,
    timeline::{Follows, rhythm::Rhythm},
};

/// Processes, and the workers of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topology {
    pub(crate) processes: usize,
    pub(crate) workers: usize,
}

impl Topology {
    pub(crate) fn of(program: &Program) -> Self {
        Topology { processes: program.processes as usize, workers: program.workers as usize }
    }
}

/// What is known of what sinks have.
pub(crate) struct SinkProgress<'a> {
    pub(crate) opened: &'a Opened,
    /// What the processes say, each for its own.
    pub(crate) all: &'a [ProcessReport],
    pub(crate) now: Topology,
    pub(crate) exactly_once: bool,
    /// Whether sinks get no batch that is not on disk.
    pub(crate) holds_back: bool,
    /// The sinks whose contents are taken over, whatever they belong to.
    pub(crate) adopted: &'a [String],
    /// When each sink gets a batch.
    pub(crate) emit_rhythms: Vec<(&'static str, Rhythm)>,
    pub(crate) interval: Duration,
}

/// What a sink of a process has: `None` if it is new.
struct SinkCommit<'a> {
    port: &'a str,
    is_known: bool,
    epoch: Option<Epoch>,
}

impl SinkProgress<'_> {
    /// The last batch that every sink has for good.
    pub(crate) fn last(&self) -> Result<Option<Epoch>, CheckpointError> {
        let Some((head, head_time)) = self.opened.head() else {
            let has = |process: &'_ ProcessReport| {
                let mut own = process.committed.iter().filter(|sink| !self.adopted.contains(&sink.port));
                own.find_map(|sink| Some((sink.port.clone(), sink.batch?)))
            };
            return match self.all.iter().find_map(has) {
                Some((port, batch)) if self.exactly_once => Err(CheckpointError::Behind { port, batch }),
                _ => Ok(None),
            };
        };
        let base = self.opened.base();
        let then = self.opened.program().map(Topology::of);
        // Of processes that are not there any more nobody says anything.
        let all_here = then.is_none_or(|then| then.processes <= self.now.processes);
        let told = all_here && self.all.iter().all(|process| process.told);
        let mut at = if told { Some(head) } else { self.opened.delivered() };
        let mut sinks = Vec::new();
        for process in self.all {
            for sink in &process.committed {
                let has = self.has(process.process, sink, (head, head_time))?;
                if has.is_known {
                    at = at.min(has.epoch);
                }
                sinks.push(has);
            }
        }
        // What cannot come again is in the state only.
        let at = at.max(base.map(|(epoch, _)| epoch)).max(self.opened.last_lost());
        self.may_move(then, at, head, &sinks)?;
        Ok(at)
    }

    fn has<'a>(
        &self,
        process: usize,
        CommittedSink { port, batch, skips_empty }: &'a CommittedSink,
        (head, head_time): (Epoch, BatchTime),
    ) -> Result<SinkCommit<'a>, CheckpointError> {
        // A port that is new, or one in a process that was not there, begins with what is new.
        let then = self.opened.program().filter(|then| process < then.processes as usize);
        let known = then.and_then(|then| then.sinks.iter().find(|known| known.port == *port));
        let is_known = then.is_some() && (batch.is_some() || known.is_some());
        // A batch that did not wait for the disk may not be there: it comes again.
        let batch = if self.holds_back { *batch } else { batch.and_then(|batch| self.opened.time_by(batch)) };
        // What is taken over may be later, by whatever clock.
        let batch = if self.adopted.contains(port) { batch.min(Some(head_time)) } else { batch };
        if let Some(batch) = batch.filter(|batch| *batch > head_time) {
            return Err(CheckpointError::Behind { port: port.to_owned(), batch });
        }
        // What came out before there were these processes is elsewhere, and before there was this sink nowhere.
        let delivered = self.opened.delivered().filter(|_| *skips_empty && known.is_some());
        let batch = batch.max(delivered.and_then(|epoch| self.opened.time_of(epoch)));
        let since = then.and_then(|then| then.moved).max(known.and_then(|known| known.since));
        let epoch = match self.taken(port, batch.max(since), head) {
            Ok(epoch) => epoch,
            Err(base) if is_known => return Err(CheckpointError::Lost { port: port.to_owned(), base }),
            Err(_) => None,
        };
        Ok(SinkCommit { port, is_known, epoch })
    }

    /// The last epoch that is complete in a sink that committed up to `batch`. The error is the time of the base, if the
    /// sink is missing something from before it.
    fn taken(&self, port: &str, batch: Option<BatchTime>, head: Epoch) -> Result<Option<Epoch>, BatchTime> {
        let base = self.opened.base();
        let emit_rhythm =
            self.emit_rhythms.iter().find(|(of, _)| *of == port).map(|(_, emit_rhythm)| emit_rhythm.clone());
        let emit_rhythm = emit_rhythm.unwrap_or_else(Rhythm::of_batches);
        // It does not lack the batches in which nothing was due for it.
        if let Some(((base, time), due)) = base.zip(self.opened.last_due(&emit_rhythm)) {
            // Batches are an interval apart at most, but where time jumped, so the first of all was then or later.
            let regular = self.opened.first_jump().map_or(time, |jump| jump.from);
            let first =
                u128::from(regular.as_nanos()).saturating_sub(u128::from(base) * self.interval.as_nanos());
            if u128::from(due.as_nanos()) >= first && batch.is_none_or(|batch| batch < due) {
                return Err(time);
            }
        }
        let is_next = |time: BatchTime, follows: Follows| {
            batch.is_none_or(|batch| time > batch) && emit_rhythm.is_due(time, follows)
        };
        match self.opened.marks().find(|&(_, time, follows)| is_next(time, follows)) {
            Some((next, ..)) => Ok(next.checked_sub(1)),
            None => Ok(Some(head)),
        }
    }

    /// Whether the batches behind `at` may come out elsewhere than before.
    fn may_move(
        &self,
        then: Option<Topology>,
        at: Option<Epoch>,
        head: Epoch,
        sinks: &[SinkCommit<'_>],
    ) -> Result<(), CheckpointError> {
        let Some(then) = then.filter(|then| *then != self.now) else { return Ok(()) };
        if then.processes.max(self.now.processes) <= 1 {
            return Ok(());
        }
        let refused = |what: String| {
            let Topology { processes, workers } = then;
            let what = format!(
                "{what}: start once more with {processes} processes of {workers} workers, stop that job when it has \
                 delivered a batch, and then start with other numbers"
            );
            CheckpointError::Incompatible { what }
        };
        for sink in sinks {
            let others = |other: &&SinkCommit<'_>| other.port == sink.port && other.is_known;
            let halves = sinks.iter().filter(others).any(|other| other.epoch != sink.epoch && sink.is_known);
            let is_new = !sink.is_known && sinks.iter().filter(others).any(|other| other.epoch > at);
            if halves || is_new {
                return Err(refused(format!(
                    "sink `{}` has batches in some processes that it lacks in others",
                    sink.port
                )));
            }
        }
        if self.now.processes < then.processes && self.opened.delivered() < Some(head) {
            let what = format!(
                "batches that were being delivered when the job ended may be in the sinks of process {}, which is gone",
                self.now.processes
            );
            if self.exactly_once {
                return Err(refused(what));
            }
            tracing::warn!("{what}: their records there may come a second time");
        }
        Ok(())
    }
}

/// Refuses to go on without a source that has more to give.
pub(crate) fn absent(restored: &Restored, processes: usize) -> Result<(), CheckpointError> {
    let is_absent = |port: &str| process_of(port).0 >= processes;
    let refused = |port: &str, what: String| {
        let (process, port) = process_of(port);
        Err(CheckpointError::Incompatible {
            what: format!(
                "source `{port}` of process {process} {what}, and this job has no such process: its input would be lost. \
                 Start with {} processes until it has ended",
                process + 1
            ),
        })
    };
    for batch in &restored.replay {
        for (port, mark) in batch.sources.iter().filter(|(port, _)| is_absent(port)) {
            if mark.records > 0 {
                return refused(
                    port,
                    format!("gave {} records to the batch at {}, which runs again", mark.records, batch.time),
                );
            }
        }
    }
    // How far it came, as far as is known.
    let last = |port: &String| {
        let again = restored.replay.iter().rev().flat_map(|batch| &batch.sources);
        again.chain(&restored.sources).find(|(known, _)| known == port).map(|(_, mark)| mark)
    };
    let again = restored.replay.iter().flat_map(|batch| &batch.sources);
    for (port, _) in restored.sources.iter().chain(again).filter(|(port, _)| is_absent(port)) {
        let mark = last(port).expect("it is there");
        if mark.total > 0 && !mark.ended {
            return refused(port, format!("had given {} records and not ended", mark.total));
        }
    }
    match restored.inputs.iter().find(|(port, inputs)| is_absent(port) && !inputs.is_empty()) {
        Some((port, _)) => refused(port, "has input in the log that was in no batch".to_owned()),
        None => Ok(()),
    }
}
