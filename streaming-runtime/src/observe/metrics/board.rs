//! The metrics of a job: written by its parts, read by anyone at any time.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{
            AtomicU8, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::{Duration, Instant},
};

use crate::{
    clock::Clock,
    ids::Epoch,
    intake::admission::Admissions,
    observe::{
        metrics::{
            ClockOffset, Frontier, JobMetrics, OperatorMetrics, Polls, SinkMetrics, SourceMetrics,
            recent::{CountedSpan, DelayHistory, rate},
        },
        operator_stats::Cells,
        plan::Plan,
        skip_counters::SkipCounters,
    },
    time::BatchTime,
};

/// How many late empty batches may be in flight: the board has room for the times of as many.
pub(crate) const LATE_BATCHES: usize = 512;

/// How full a queue is.
pub(crate) type Waiting = Box<dyn Fn() -> usize + Send + Sync>;

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

/// What is known of a source.
pub(crate) struct SourceBoard {
    pub(crate) port: &'static str,
    /// Until it has ended: what looks into a queue keeps what is in it, and what was sent when its worker was gone must go.
    queues: Mutex<Vec<Waiting>>,
    state: AtomicU8,
    /// The batch that it was asked for and has not answered, and since when; 0 if there is none.
    asked: [AtomicU64; 2],
    pub(crate) polls: Polls,
}

/// Where a source is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceState {
    Running,
    Ended,
}

impl SourceBoard {
    pub(crate) fn waiting(&self) -> usize {
        self.queues().iter().map(|queue| queue()).sum()
    }
    pub(crate) fn state(&self) -> SourceState {
        match self.state.load(Acquire) {
            0 => SourceState::Running,
            _ => SourceState::Ended,
        }
    }
    pub(crate) fn set_ended(&self) {
        self.state.store(1, Release);
        let queues = std::mem::take(&mut *self.queues());
        // Not under the lock: it wakes those who wait for a receipt.
        drop(queues);
    }
    fn queues(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// It is asked for the batch at `time`.
    pub(crate) fn asks(&self, time: BatchTime, now: BatchTime) {
        self.asked[1].store(now.as_nanos(), Relaxed);
        self.asked[0].store(time.as_nanos(), Release);
    }
    /// It has answered, or never will.
    pub(crate) fn answered(&self) {
        self.asked[0].store(0, Release);
    }
    /// The batch for which no answer came, and since when.
    pub(crate) fn asked(&self) -> Option<(BatchTime, BatchTime)> {
        let time = self.asked[0].load(Acquire);
        let since = self.asked[1].load(Relaxed);
        (time > 0).then(|| (BatchTime::from_nanos(time), BatchTime::from_nanos(since)))
    }
}

/// What is known of a sink. Its own task writes it.
pub(crate) struct SinkBoard {
    pub(crate) port: &'static str,
    /// For each worker, the batches whose parts have come.
    parts: Box<[AtomicU64]>,
    /// Batches that it has taken.
    taken: AtomicU64,
    records: AtomicU64,
    batches: AtomicU64,
    busy: AtomicU64,
    /// Whether it is writing.
    writing: AtomicU8,
    /// Since when it is writing or waiting.
    since: AtomicU64,
    pub(crate) polls: Polls,
}

impl SinkBoard {
    /// A worker's part of a batch has come.
    pub(crate) fn part(&self, worker: usize, epoch: Epoch) {
        self.parts[worker].store(epoch + 1, Relaxed);
    }
    /// Batches whose parts have come from a worker.
    pub(crate) fn parts_of(&self, worker: usize) -> u64 {
        self.parts[worker].load(Relaxed)
    }
    /// It begins to write; the end is told to what is returned.
    pub(crate) fn writes(&self, records: usize, clock: &Clock) -> Writing<'_> {
        self.since.store(clock.now().as_nanos(), Relaxed);
        self.writing.store(1, Release);
        Writing { sink: self, records: records as u64, began: Instant::now() }
    }
    /// It has taken a batch, whether that was written or not.
    pub(crate) fn took(&self, epoch: Epoch) {
        self.taken.store(epoch + 1, Release);
    }
    /// Batches that it has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Acquire)
    }
    /// Whether it is writing, and since when it is doing what it does.
    pub(crate) fn doing(&self) -> (bool, BatchTime) {
        (self.writing.load(Acquire) > 0, BatchTime::from_nanos(self.since.load(Relaxed)))
    }
}

/// A sink at work.
pub(crate) struct Writing<'a> {
    sink: &'a SinkBoard,
    records: u64,
    began: Instant,
}

impl Writing<'_> {
    pub(crate) fn done(self, clock: &Clock) {
        let Writing { sink, records, began } = self;
        add(&sink.records, records);
        add(&sink.batches, 1);
        add(&sink.busy, began.elapsed().as_nanos() as u64);
        sink.since.store(clock.now().as_nanos(), Relaxed);
        sink.writing.store(0, Release);
    }
}

/// To a counter with one writer.
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed) + n, Relaxed);
}

/// What is known of a worker. It alone writes it.
pub(crate) struct WorkerBoard {
    /// Its operators.
    pub(crate) cells: Arc<Cells>,
    sources: Box<[Taken]>,
    /// The batch whose records it takes in.
    open: AtomicU64,
}

/// What a worker took in of a source.
#[derive(Default)]
struct Taken {
    records: AtomicU64,
    lately: CountedSpan,
    /// When the last came; 0 before.
    last: AtomicU64,
}

impl WorkerBoard {
    /// It took in records of a source.
    pub(crate) fn took_in(&self, source: usize, records: u64, now: BatchTime) {
        let taken = &self.sources[source];
        add(&taken.records, records);
        taken.lately.add(records, now.as_nanos());
        taken.last.store(now.as_nanos().max(1), Relaxed);
    }
    /// It takes in the records of this batch from now on.
    pub(crate) fn opens(&self, epoch: Epoch) {
        self.open.store(epoch, Release);
    }
    pub(crate) fn open(&self) -> Epoch {
        self.open.load(Acquire)
    }
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
            WorkerBoard {
                cells: Arc::new(Cells::new(operators, move || clock.now().as_nanos())),
                sources: sources.iter().map(|_| Taken::default()).collect(),
                open: AtomicU64::new(0),
            }
        };
        let workers = (0..workers).map(worker).collect::<Box<[_]>>();
        let began_at = clock.now().as_nanos();
        let source = |Port { name, queues, is_alone }| SourceBoard {
            port: name,
            queues: Mutex::new(queues),
            state: AtomicU8::new(0),
            asked: Default::default(),
            polls: Polls::new(is_alone),
        };
        let sink = |Port { name, is_alone, .. }| SinkBoard {
            port: name,
            parts: workers.iter().map(|_| AtomicU64::new(0)).collect(),
            taken: AtomicU64::new(0),
            records: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            writing: AtomicU8::new(0),
            since: AtomicU64::new(began_at),
            polls: Polls::new(is_alone),
        };
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

    /// The job in numbers.
    pub(crate) fn metrics(&self) -> JobMetrics {
        let delivered = self.delivered.load(Acquire);
        let closed = self.closed();
        let sources: Vec<_> = (0..self.sources.len()).map(|source| self.source(source)).collect();
        let last = BatchTime::from_nanos(self.last_delivered.load(Relaxed));
        let engine = self.workers.iter().map(|worker| worker.cells.engine_nanos.load(Relaxed)).sum();
        JobMetrics {
            job: self.job.to_string(),
            workers: self.workers.len(),
            uptime: self.ended.get().copied().unwrap_or_else(|| self.began.elapsed()),
            clock: ClockOffset::of(self.clock.offset()),
            has_ended: self.has_ended(),
            records: sources.iter().map(|source| source.records).sum(),
            batches_closed: closed,
            batches_delivered: delivered,
            batches_in_flight: closed.saturating_sub(delivered),
            last_batch: (delivered > 0).then_some(last),
            last_batch_nanos: (delivered > 0).then_some(last.as_nanos()),
            scheduling_delay: self.scheduling.summary(),
            processing_delay: self.processing.summary(),
            engine_busy: Duration::from_nanos(engine),
            listener_panics: self.listener_panics.load(Relaxed),
            strangers: self.strangers.load(Relaxed),
            memory: self.admissions.account.memory(),
            sources,
            sinks: self.sinks.iter().map(|sink| self.sink(sink)).collect(),
            operators: self.operators(closed),
        }
    }

    fn source(&self, source: usize) -> SourceMetrics {
        let taken = || self.workers.iter().map(|worker| &worker.sources[source]);
        let now = self.clock.now().as_nanos();
        let port = self.sources[source].port;
        let throttle = &self.admissions.throttles[source];
        let has_ended = self.sources[source].state() == SourceState::Ended;
        SourceMetrics {
            port,
            records: taken().map(|taken| taken.records.load(Relaxed)).sum(),
            records_per_second: rate(taken().map(|taken| &taken.lately), self.began_at, now),
            waiting_chunks: self.sources[source].waiting() as u64,
            idle: self.idle(source),
            max_rate: throttle.limit(),
            shed: throttle.shed(),
            events: throttle.events(),
            ignored: throttle.ignored(),
            has_ended,
        }
    }

    fn sink(&self, sink: &SinkBoard) -> SinkMetrics {
        let (writes, since) = sink.doing();
        let since = self.ago(since);
        SinkMetrics {
            port: sink.port,
            records: sink.records.load(Relaxed),
            batches: sink.batches.load(Relaxed),
            busy: Duration::from_nanos(sink.busy.load(Relaxed)),
            writing: writes.then_some(since),
            waiting: (!writes).then_some(since),
        }
    }

    fn operators(&self, closed: u64) -> Vec<OperatorMetrics> {
        let skipped = self.skipped.totals();
        let skipped_by =
            |id| skipped.iter().find(|(operator, _)| *operator == id).map_or(0, |(_, records)| *records);
        let operator =
            |(operator, id): (usize, &&'static str)| self.operator(operator, closed, skipped_by(*id));
        self.operators.iter().enumerate().map(operator).collect()
    }

    fn operator(&self, operator: usize, closed: u64, skipped: u64) -> OperatorMetrics {
        let cells = || self.workers.iter().map(|worker| &worker.cells.operators[operator]);
        let sum = |of: fn(&crate::observe::operator_stats::OperatorCell) -> u64| cells().map(of).sum();
        OperatorMetrics {
            id: self.operators[operator],
            is_fused: !cells().any(|cell| cell.is_made.load(Relaxed)),
            records_in: sum(|cell| cell.records_in.load(Relaxed)),
            records_out: sum(|cell| cell.records_out.load(Relaxed)),
            skipped,
            busy: Duration::from_nanos(sum(|cell| cell.busy_nanos.load(Relaxed))),
            state_records: sum(|cell| cell.held().records),
            state_bytes: sum(|cell| cell.held().bytes),
            frontier: cells().filter_map(|cell| cell.frontier()).min().map(|epoch| match epoch < closed {
                true => Frontier::Batch(self.time_of(epoch)),
                false => Frontier::Open,
            }),
        }
    }
}
