//! The metrics of a job: written by its parts, read by anyone at any time.

mod figures;
mod parts;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::{Duration, Instant},
};

pub(crate) use self::parts::{SinkBoard, SourceBoard, SourceState, Waiting, WorkerBoard};
use crate::{
    clock::Clock,
    ids::Epoch,
    intake::admission::Admissions,
    observe::{
        metrics::recent::DelayHistory, operator_stats::Cells, plan::Plan, skip_counters::SkipCounters,
    },
    time::BatchTime,
};

/// How many late empty batches may be in flight: the board has room for the times of as many.
pub(crate) const LATE_BATCHES: usize = 512;

/// A port, before the job starts.
pub(crate) struct Port {
    pub(crate) name: &'static str,
    /// The queues of a source to the workers.
    pub(crate) queues: Vec<Waiting>,
    /// Whether its connector has a thread of its own.
    pub(crate) is_alone: bool,
}

/// What a [`Board`] is made of.
pub(crate) struct BoardSettings {
    pub(crate) job: String,
    pub(crate) limit: usize,
    pub(crate) closes_early: bool,
    pub(crate) is_metered: bool,
    pub(crate) workers: usize,
    pub(crate) sources: Vec<Port>,
    pub(crate) sinks: Vec<Port>,
    pub(crate) operators: &'static [&'static str],
    pub(crate) admissions: Admissions,
    pub(crate) plan: Plan,
}

/// A job, as its parts tell.
pub(crate) struct Board {
    pub(crate) job: Arc<str>,
    pub(crate) clock: Clock,
    /// The most batches in flight.
    pub(crate) limit: u64,
    pub(crate) closes_early: bool,
    /// Whether operators are watched.
    pub(crate) is_metered: bool,
    began: Instant,
    began_at: u64,
    ended: OnceLock<Duration>,
    pub(crate) sources: Box<[SourceBoard]>,
    pub(crate) sinks: Box<[SinkBoard]>,
    pub(crate) workers: Box<[WorkerBoard]>,
    pub(crate) operators: &'static [&'static str],
    /// Batches that were closed, that is the number of the open one; and that were delivered.
    closed: AtomicU64,
    delivered: AtomicU64,
    boundary: AtomicU64,
    last_delivered: AtomicU64,
    /// The times of the last batches, by their numbers. There are more than can be in flight.
    times: Box<[AtomicU64]>,
    scheduling: DelayHistory,
    processing: DelayHistory,
    pub(crate) listener_panics: AtomicU64,
    /// Connections at the cluster's address that were dropped.
    pub(crate) strangers: AtomicU64,
    /// What the sources may send, and what is held of it.
    pub(crate) admissions: Admissions,
    pub(crate) skipped: Arc<SkipCounters>,
    /// What the start has warned of.
    pub(crate) warnings: OnceLock<Vec<String>>,
    /// Its operators and ports, with what its connectors do after a crash.
    pub(crate) plan: Plan,
}

impl Board {
    pub(crate) fn new(settings: BoardSettings) -> Arc<Self> {
        let BoardSettings {
            job,
            limit,
            closes_early,
            is_metered,
            workers,
            sources,
            sinks,
            operators,
            admissions,
            plan,
        } = settings;
        let clock = admissions.clock.clone();
        let worker = |_| {
            let clock = clock.clone();
            WorkerBoard::new(Cells::new(operators, move || clock.now().as_nanos()), sources.len())
        };
        let began_at = clock.now().as_nanos();
        let workers = (0..workers).map(worker).collect::<Box<[_]>>();
        let source = |Port { name, queues, is_alone }| SourceBoard::new(name, queues, is_alone);
        let sink = |Port { name, is_alone, .. }| SinkBoard::new(name, workers.len(), began_at, is_alone);
        Arc::new(Board {
            sources: sources.into_iter().map(source).collect(),
            sinks: sinks.into_iter().map(sink).collect(),
            job: job.into(),
            clock,
            limit: limit as u64,
            admissions,
            skipped: Arc::default(),
            closes_early,
            is_metered,
            began: Instant::now(),
            began_at,
            ended: OnceLock::new(),
            workers,
            operators,
            warnings: OnceLock::new(),
            plan,
            closed: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            boundary: AtomicU64::new(0),
            last_delivered: AtomicU64::new(0),
            times: (0..limit.max(LATE_BATCHES) + 2).map(|_| AtomicU64::new(0)).collect(),
            scheduling: DelayHistory::default(),
            processing: DelayHistory::default(),
            listener_panics: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
        })
    }

    /// When the next regular batch closes.
    pub(crate) fn set_boundary(&self, boundary: BatchTime) {
        self.boundary.store(boundary.as_nanos(), Relaxed);
    }
    pub(crate) fn boundary(&self) -> BatchTime {
        BatchTime::from_nanos(self.boundary.load(Relaxed))
    }

    /// A batch was closed: its time is known before its number is.
    pub(crate) fn batch_closed(&self, epoch: Epoch, time: BatchTime) {
        self.times[epoch as usize % self.times.len()].store(time.as_nanos(), Relaxed);
        self.closed.store(epoch + 1, Release);
    }
    /// Batches that were closed.
    pub(crate) fn closed(&self) -> u64 {
        self.closed.load(Acquire)
    }
    /// The time of a batch that is in flight, or was the last before those.
    pub(crate) fn time_of(&self, epoch: Epoch) -> BatchTime {
        BatchTime::from_nanos(self.times[epoch as usize % self.times.len()].load(Relaxed))
    }

    /// A batch was delivered.
    pub(crate) fn batch_delivered(&self, time: BatchTime, scheduling: Duration, processing: Duration) {
        self.scheduling.add(scheduling);
        self.processing.add(processing);
        self.last_delivered.store(time.as_nanos(), Relaxed);
        self.delivered.fetch_add(1, Release);
    }
    pub(crate) fn in_flight(&self) -> u64 {
        // In this order: what is delivered was closed.
        let delivered = self.delivered.load(Acquire);
        self.closed().saturating_sub(delivered)
    }

    /// The job has ended.
    pub(crate) fn set_ended(&self) {
        self.ended.get_or_init(|| self.began.elapsed());
    }
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// How long a source has been idle, unless something of it waits.
    pub(crate) fn idle(&self, source: usize) -> Option<Duration> {
        let last = self.workers.iter().map(|worker| worker.sources[source].last.load(Relaxed)).max();
        let since = BatchTime::from_nanos(last.unwrap_or(0).max(self.began_at));
        (self.sources[source].waiting() == 0).then(|| self.ago(since))
    }

    /// How long ago something was, by the job's clock.
    pub(crate) fn ago(&self, since: BatchTime) -> Duration {
        Duration::from_nanos(self.clock.now().as_nanos().saturating_sub(since.as_nanos()))
    }
}
