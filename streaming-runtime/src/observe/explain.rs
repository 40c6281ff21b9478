//! Why an output does not advance.
//!
//! A sink that has taken all that is closed waits for the open batch to close; else it waits for the oldest batch that it
//! has not taken: to be written, or for the workers whose parts have not come, and there for the operator that runs or
//! is furthest behind.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::{
    ids::Epoch,
    observe::metrics::{Board, ClockOffset, SinkBoard, SourceState},
    time::{BatchTime, nanos},
};

/// What a sink has, and what it waits for. `Display` makes a sentence of it:
///
/// ```text
/// sink `counts`: delivered up to 2026-11-30 22:13:20.000 UTC; the open batch closes at 2026-11-30 22:13:21.000 UTC, in 400ms
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The sink's port.
    pub sink: &'static str,
    /// The last batch that it has taken.
    pub delivered: Option<BatchTime>,
    /// What it waits for; at least one thing.
    pub waits: Vec<Wait>,
}

/// What a sink waits for. All durations are by the job's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// For the time at which the open batch closes.
    Boundary {
        /// When it closes.
        at: BatchTime,
        /// How long that is from now; nothing if it is about to close.
        within: Duration,
    },
    /// For a source to send anything: batches close early, and only if they hold something.
    Source {
        /// The source's port.
        port: &'static str,
        /// How long it has sent nothing.
        idle: Duration,
    },
    /// For a connector that blocks its thread, where it should await. Nothing else of the job or the service is held up, unless the
    /// connector runs in the service's runtime.
    Blocked {
        /// Whether it is a source or a sink.
        connector: &'static str,
        /// Its port.
        port: &'static str,
        /// How long, by the system's clock.
        busy: Duration,
    },
    /// For a source that was asked for what it has in a batch, and has not answered.
    Answer {
        /// The source's port.
        port: &'static str,
        /// The batch that it was asked for.
        batch: BatchTime,
        /// How long ago it was asked.
        asked: Duration,
    },
    /// For a batch to be delivered: as many batches are in flight as allowed. Until then none closes, and sources wait.
    Room {
        /// Batches in flight.
        in_flight: u64,
        /// The most that there may be.
        limit: u64,
        /// The sink that is furthest behind.
        behind: &'static str,
    },
    /// For a batch to be delivered: the job is at its memory limit, and sources wait.
    Memory {
        /// Bytes that are held.
        held: u64,
        /// The most that may be, see [`Engine::memory_limit`](crate::Engine::memory_limit).
        ceiling: u64,
    },
    /// For a worker to take in the last records of the batch.
    Worker {
        /// The batch.
        batch: BatchTime,
        /// The worker, from 0.
        worker: usize,
    },
    /// For an operator that has the batch, or one before it.
    Operator {
        /// The batch.
        batch: BatchTime,
        /// The operator's id.
        operator: &'static str,
        /// The worker, from 0.
        worker: usize,
        /// How long it has been running, if it is running now and that is known.
        busy: Option<Duration>,
    },
    /// For a worker to bring the batch to the sink: no operator is known to have it.
    Dataflow {
        /// The batch.
        batch: BatchTime,
        /// The worker, from 0.
        worker: usize,
    },
    /// For its own `write` of the batch to return.
    Write {
        /// The batch.
        batch: BatchTime,
        /// How long it has been writing.
        busy: Duration,
    },
    /// For its task to run: the batch is complete.
    Turn {
        /// The batch.
        batch: BatchTime,
    },
    /// For nothing. But the system's clock was set, and stream time is ahead of it or behind, so batches may have unexpected times.
    Clock(ClockOffset),
    /// For nothing. But a source ignored input, such as files, which may be missed.
    Ignored {
        /// The source's port.
        port: &'static str,
        /// How many; each is in the log.
        things: u64,
    },
    /// For what a source waits for outside, in the source's own words: brokers that do not answer, and how often they are asked again.
    Trouble {
        /// The source's port.
        port: &'static str,
        /// What it is.
        trouble: String,
    },
    /// For nothing. But records wait at the other end of a source with partitions, such as a topic.
    Lag {
        /// The source's port.
        port: &'static str,
        /// How many records of which partitions, those with the most first.
        partitions: Vec<(String, u64)>,
    },
    /// For nothing: every source has ended, and what is left is about to be delivered.
    SourcesEnded,
    /// For nothing: the job has ended.
    JobEnded,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sink `{}`: ", self.sink)?;
        match self.delivered {
            Some(time) => write!(f, "delivered up to {time}")?,
            None => write!(f, "nothing delivered yet")?,
        }
        self.waits.iter().try_for_each(|wait| write!(f, "; {wait}"))
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Boundary { at, within: Duration::ZERO } => {
                write!(f, "the open batch is about to close, at {at}")
            }
            Wait::Boundary { at, within } => {
                write!(f, "the open batch closes at {at}, in {}", short(*within))
            }
            Wait::Source { port, idle } => write!(f, "waits for source `{port}`, idle for {}", short(*idle)),
            Wait::Blocked { connector, port, busy } => {
                write!(f, "{connector} `{port}` has blocked its thread for {}", short(*busy))
            }
            Wait::Answer { port, batch, asked } => {
                let asked = short(*asked);
                write!(
                    f,
                    "waits for source `{port}`, which was asked for batch {batch} {asked} ago and has not answered"
                )
            }
            Wait::Room { in_flight, limit, behind } => {
                write!(
                    f,
                    "{in_flight} batches in flight of at most {limit}, the oldest not taken by sink `{behind}`: \
                     none closes and sources wait"
                )
            }
            Wait::Memory { held, ceiling } => {
                write!(f, "{held} bytes of input are held, of at most {ceiling}: sources wait")
            }
            Wait::Worker { batch, worker } => {
                write!(f, "worker {worker} has not taken in all of batch {batch} yet")
            }
            Wait::Operator { batch, operator, worker, busy: Some(busy) } => {
                let busy = short(*busy);
                write!(f, "batch {batch} is in operator `{operator}` of worker {worker}, busy for {busy}")
            }
            Wait::Operator { batch, operator, worker, busy: None } => {
                write!(f, "batch {batch} is in operator `{operator}` of worker {worker}")
            }
            Wait::Dataflow { batch, worker } => {
                write!(f, "batch {batch} is in the dataflow of worker {worker}")
            }
            Wait::Write { batch, busy } => {
                write!(f, "it has been writing batch {batch} for {}", short(*busy))
            }
            Wait::Turn { batch } => write!(f, "batch {batch} is whole and about to be written"),
            Wait::Clock(ClockOffset { ahead, behind }) if behind.is_zero() => {
                write!(f, "stream time is {} ahead of the system's clock, which was set back", short(*ahead))
            }
            Wait::Clock(ClockOffset { behind, .. }) => {
                write!(f, "stream time is {} behind the system's clock, which was set", short(*behind))
            }
            Wait::Ignored { port, things } => {
                write!(f, "files that source `{port}` found and left alone: {things}, see the log")
            }
            Wait::Trouble { port, trouble } => write!(f, "source `{port}`: {trouble}"),
            Wait::Lag { port, partitions } => lag(f, port, partitions),
            Wait::SourcesEnded => write!(f, "all sources have ended; what is left is on its way"),
            Wait::JobEnded => write!(f, "the job has ended"),
        }
    }
}

/// How many partitions are named.
const NAMED: usize = 8;

fn lag(f: &mut fmt::Formatter<'_>, port: &str, partitions: &[(String, u64)]) -> fmt::Result {
    let all: u64 = partitions.iter().map(|(_, records)| records).sum();
    write!(f, "records that wait before source `{port}`: {all}")?;
    for (n, (partition, records)) in partitions.iter().take(NAMED).enumerate() {
        write!(f, "{} {records} of `{partition}`", if n == 0 { "," } else { " and" })?;
    }
    match partitions.len().saturating_sub(NAMED) {
        0 => Ok(()),
        others => write!(f, " and the rest of {others} partitions"),
    }
}

/// A duration in as many digits as one reads.
fn short(duration: Duration) -> String {
    let unit = match duration.as_nanos() {
        0..10_000 => 1,
        10_000..10_000_000 => 1_000,
        10_000_000..10_000_000_000 => 1_000_000,
        _ => 100_000_000,
    };
    format!("{:?}", Duration::from_nanos(nanos(duration) / unit * unit))
}

impl Serialize for Explanation {
    /// The sink, the last batch that it has in whole milliseconds, and the sentence without the sink.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut explanation = serializer.serialize_struct("Explanation", 3)?;
        explanation.serialize_field("sink", self.sink)?;
        let delivered = self.delivered.map(BatchTime::as_millis);
        explanation.serialize_field("delivered", &delivered)?;
        let waits: Vec<String> = self.waits.iter().map(Wait::to_string).collect();
        explanation.serialize_field("waits", &waits)?;
        explanation.end()
    }
}

/// What each sink waits for.
pub(crate) fn explain(board: &Board) -> Vec<Explanation> {
    let explanation = |sink: &SinkBoard| {
        let taken = sink.taken();
        let mut waits = match taken < board.closed() {
            _ if board.has_ended() => vec![Wait::JobEnded],
            true => in_flight(board, sink, taken),
            false => open(board),
        };
        if !board.has_ended() {
            waits.extend(beside(board));
        }
        let waits = blocked(board).chain(waits).collect();
        let delivered = taken.checked_sub(1).map(|last| board.time_of(last));
        Explanation { sink: sink.port, delivered, waits }
    };
    board.sinks.iter().map(explanation).collect()
}

/// The connectors that block their threads.
pub(crate) fn blocked(board: &Board) -> impl Iterator<Item = Wait> + use<'_> {
    let sources = board.sources.iter().map(|source| ("source", source.port, &source.polls));
    let sinks = board.sinks.iter().map(|sink| ("sink", sink.port, &sink.polls));
    sources.chain(sinks).filter_map(|(connector, port, polls)| {
        Some(Wait::Blocked { connector, port, busy: polls.blocked()? })
    })
}

/// Facts that no sink waits for, and that may explain missing output.
fn beside(board: &Board) -> impl Iterator<Item = Wait> + use<'_> {
    let clock =
        Some(ClockOffset::of(board.clock.offset())).filter(|offset| *offset != ClockOffset::default());
    let ignored = board.admissions.throttles.iter().filter_map(|source| {
        let things = source.ignored();
        (things > 0).then_some(Wait::Ignored { port: source.port, things })
    });
    let troubles = board.admissions.throttles.iter().filter_map(|source| {
        let port = source.port;
        source.trouble().map(|trouble| Wait::Trouble { port, trouble })
    });
    let lags = board.admissions.throttles.iter().filter_map(|source| {
        let waits =
            source.partitions().into_iter().filter_map(|at| Some((at.name, at.lag.filter(|lag| *lag > 0)?)));
        let mut partitions: Vec<_> = waits.collect();
        partitions.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
        (!partitions.is_empty()).then_some(Wait::Lag { port: source.port, partitions })
    });
    clock.map(Wait::Clock).into_iter().chain(troubles).chain(lags).chain(ignored)
}

/// What holds up a batch that is closed.
fn in_flight(board: &Board, sink: &SinkBoard, epoch: Epoch) -> Vec<Wait> {
    let batch = board.time_of(epoch);
    if let (true, since) = sink.doing() {
        let mut waits = vec![Wait::Write { batch, busy: board.ago(since) }];
        waits.extend(room(board));
        return waits;
    }
    let late = (0..board.workers.len()).filter(|worker| sink.parts_of(*worker) <= epoch);
    let mut waits: Vec<Wait> = late.map(|worker| at_worker(board, worker, epoch, batch)).collect();
    if waits.is_empty() {
        waits.push(Wait::Turn { batch });
    }
    waits.extend(room(board));
    waits
}

/// What holds up a batch at a worker.
fn at_worker(board: &Board, worker: usize, epoch: Epoch, batch: BatchTime) -> Wait {
    let it = &board.workers[worker];
    if let Some((operator, since)) = it.cells.running() {
        let busy = since.map(|since| board.ago(BatchTime::from_nanos(since)));
        return Wait::Operator { batch, operator: board.operators[operator], worker, busy };
    }
    if it.open() <= epoch {
        return Wait::Worker { batch, worker };
    }
    let behind = it.cells.operators.iter().position(|cell| cell.frontier().is_some_and(|at| at <= epoch));
    match behind {
        Some(operator) => Wait::Operator { batch, operator: board.operators[operator], worker, busy: None },
        None => Wait::Dataflow { batch, worker },
    }
}

/// That there is no room for another batch, or for more input.
fn room(board: &Board) -> impl Iterator<Item = Wait> {
    let memory = board.admissions.account.memory();
    let full = board.admissions.account.is_awaited();
    let memory = full.then_some(Wait::Memory { held: memory.held, ceiling: memory.ceiling });
    batches(board).into_iter().chain(memory)
}

fn batches(board: &Board) -> Option<Wait> {
    let in_flight = board.in_flight();
    let behind = board.sinks.iter().min_by_key(|sink| sink.taken())?.port;
    (in_flight >= board.limit).then_some(Wait::Room { in_flight, limit: board.limit, behind })
}

/// What keeps the open batch open.
fn open(board: &Board) -> Vec<Wait> {
    if board.sources.iter().all(|source| source.state() == SourceState::Ended) {
        return vec![Wait::SourcesEnded];
    }
    let mut waits: Vec<Wait> = room(board).collect();
    let answers = board.sources.iter().filter_map(|source| {
        let (batch, since) = source.asked()?;
        Some(Wait::Answer { port: source.port, batch, asked: board.ago(since) })
    });
    waits.extend(answers);
    if waits.is_empty() && board.closes_early {
        let running = (0..board.sources.len()).filter(|i| board.sources[*i].state() == SourceState::Running);
        waits.extend(running.filter_map(|source| {
            Some(Wait::Source { port: board.sources[source].port, idle: board.idle(source)? })
        }));
    }
    if waits.iter().all(|wait| matches!(wait, Wait::Source { .. } | Wait::Memory { .. })) {
        let (at, now) = (board.boundary(), board.clock.now());
        let within = Duration::from_nanos(at.as_nanos().saturating_sub(now.as_nanos()));
        waits.push(Wait::Boundary { at, within });
    }
    waits
}
