//! The state of a job's batches: which is open, which are in flight, and who is told.
//!
//! | file | what it is |
//! |---|---|
//! | `batches` | the open batch and those in flight |
//! | `closing` | when and how a batch closes |
//! | `delivery` | how a batch becomes delivered |
//! | `sources` | what the supervisor asks of the sources' progress |
//!
//! A batch is closed by the supervisor at its boundary, or, where early closing is on, by the worker that finds all queues
//! drained. Both take one lock, so batches are numbered without gaps and their times only grow.
//!
//! Invariant: at most `limit` batches are closed and not delivered. At the limit no worker takes in records, so the queues
//! fill and sources wait. Only empty batches that are late, as after an absence, may be more: they then share what they
//! wait for, above all a sync of the disk.

mod batches;
mod closing;
mod delivery;
mod sources;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use batches::Batches;
use tokio::sync::{Notify, watch};

use crate::{
    clock::Clock,
    contract::port_context::PortContext,
    engine::{backpressure::Backpressure, cluster::Peers, job_log::JobLog},
    ids::Epoch,
    intake::{progress::SourceProgress, queues::IntakeCounters, signal::Signal},
    observe::{listener::Listeners, metrics::Board},
    time::BatchTime,
    timeline::{Follows, Timeline},
};

/// What a worker is told.
pub(crate) enum WorkerOrder {
    /// Take in what waits, then close the batch under this number and time.
    Close(Epoch, BatchTime, Follows),
    /// All is delivered: leave.
    Leave,
}

/// How a worker is given orders and woken.
pub(crate) struct WorkerHandle {
    pub(crate) orders: mpsc::Sender<WorkerOrder>,
    pub(crate) signal: Arc<Signal>,
}

/// The batch behind which a job resumes.
pub(crate) struct RestoredBatch {
    pub(crate) time: BatchTime,
    pub(crate) timeline: Timeline,
}

/// The times of the first and the last batch to replay.
#[derive(Clone, Copy)]
pub(crate) struct ReplaySpan {
    pub(crate) first: BatchTime,
    pub(crate) last: BatchTime,
}

/// The state of the batches of one job. The supervisor, the workers, the sink tasks and the links of a cluster share it.
pub(crate) struct Control {
    state: Mutex<Batches>,
    pub(crate) clock: Clock,
    pipeline: &'static str,
    pub(crate) interval: Duration,
    limit: usize,
    /// Whether workers close a batch as soon as everything that was sent is in it, but not sooner than this after
    /// the batch before.
    early: Option<Duration>,
    /// Whether batches are skipped whose boundaries were missed.
    skips_missed: bool,
    /// The source ports, and the number of sinks that take each batch.
    sources: Vec<&'static str>,
    sinks: usize,
    workers: Vec<WorkerHandle>,
    pub(crate) counters: Arc<IntakeCounters>,
    /// Which records belong to which batch, by source.
    progress: Vec<Arc<SourceProgress>>,
    /// The log of the batches, once it is opened.
    log: OnceLock<JobLog>,
    /// Whether the open batch is a replayed one, whose end is known.
    is_replaying: AtomicBool,
    backpressure: Option<Mutex<Backpressure>>,
    /// Workers that took in records for the open batch.
    dirty: AtomicUsize,
    /// Whether workers must leave records in the queues, because no further batch may be closed.
    holding: AtomicBool,
    aborted: AtomicBool,
    /// Notified when a batch was delivered.
    pub(crate) batch_delivered: Notify,
    delivered: watch::Sender<Option<BatchTime>>,
    /// How many batches from the first on had no record of any source, until that is logged.
    empty_batches: AtomicUsize,
    pub(crate) board: Arc<Board>,
    pub(crate) listeners: Arc<Listeners>,
    /// The other processes of the job.
    peers: Option<Peers>,
}

/// What a [`Control`] is made of.
pub(crate) struct ControlSettings {
    pub(crate) pipeline: &'static str,
    pub(crate) interval: Duration,
    pub(crate) limit: usize,
    pub(crate) early: Option<Duration>,
    pub(crate) skips_missed: bool,
    pub(crate) sources: Vec<&'static str>,
    pub(crate) progress: Vec<Arc<SourceProgress>>,
    pub(crate) sinks: usize,
    pub(crate) backpressure: Option<Backpressure>,
    pub(crate) board: Arc<Board>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) peers: Option<Peers>,
}

impl Control {
    pub(crate) fn new(
        settings: ControlSettings,
        workers: Vec<WorkerHandle>,
        counters: Arc<IntakeCounters>,
    ) -> Self {
        let ControlSettings {
            pipeline,
            interval,
            limit,
            early,
            skips_missed,
            sources,
            progress,
            sinks,
            backpressure,
            board,
            listeners,
            peers,
        } = settings;
        let clock = board.clock.clone();
        let now = clock.now();
        let state = Batches::new(now, interval);
        board.set_boundary(state.boundary);
        Control {
            state: Mutex::new(state),
            clock,
            pipeline,
            interval,
            limit,
            early,
            skips_missed,
            sources,
            sinks,
            workers,
            counters,
            progress,
            log: OnceLock::new(),
            is_replaying: AtomicBool::new(false),
            backpressure: backpressure.map(Mutex::new),
            dirty: AtomicUsize::new(0),
            holding: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            batch_delivered: Notify::new(),
            empty_batches: AtomicUsize::new(0),
            delivered: watch::Sender::new(None),
            board,
            listeners,
            peers,
        }
    }

    fn state(&self) -> MutexGuard<'_, Batches> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// What the connector of a port is told.
    pub(crate) fn port_context(&self, port: &'static str) -> PortContext {
        let (process, processes) = self.peers.as_ref().map_or((0, 1), Peers::place);
        let (pipeline, job) = (self.pipeline, self.board.job.to_string());
        PortContext { pipeline, job, port, process, processes }
    }

    /// The other processes of the job.
    pub(crate) fn peers(&self) -> Option<&Peers> {
        self.peers.as_ref()
    }

    /// Sets the time at which the job starts, which for several processes is when all are there.
    pub(crate) fn begin(&self, now: BatchTime) {
        let mut state = self.state();
        state.last = now;
        state.boundary = now.next_multiple_of(self.interval);
    }

    /// Continues behind the batch `restored`, which is number 0 here, and replays the batches of `replay`. Logs batches from
    /// now on.
    pub(crate) fn resume(&self, restored: Option<RestoredBatch>, replay: Option<ReplaySpan>, log: JobLog) {
        let just_before = |time: BatchTime| BatchTime::from_nanos(time.as_nanos().saturating_sub(1));
        let restored_time = restored.as_ref().map(|batch| batch.time);
        if let Some(last) = restored_time.or(replay.map(|span| just_before(span.first))) {
            let mut state = self.state();
            state.next = if restored.is_some() { 1 } else { 0 };
            state.last = last;
            state.has_begun = restored.is_some();
            state.last_with_records = last;
            state.ends_from = restored.and_then(|batch| batch.timeline.ends_from(last));
            if state.ends_from.is_some() {
                // The end did not wait for the clock.
                self.clock.resume_from(last);
            }
            state.boundary = last.next_multiple_of(self.interval);
            self.board.set_boundary(state.boundary);
        }
        if let Some(last) = replay.map(|span| span.last).or(restored_time) {
            // Or no batch would close until a clock that was set back had caught up.
            self.clock.not_before(last);
        }
        // The sinks have what is not given to them again.
        self.delivered.send_replace(restored_time);
        self.state().replay_until = replay.map_or(BatchTime::default(), |span| span.last);
        self.is_replaying.store(replay.is_some(), Ordering::Release);
        assert!(self.log.set(log).is_ok(), "a job has one log");
    }

    /// The log of the job, once it has begun with a checkpoint.
    pub(crate) fn log(&self) -> Option<&JobLog> {
        self.log.get()
    }

    /// The number of the open batch.
    pub(crate) fn open(&self) -> Epoch {
        self.state().next
    }

    /// The time at which the next regular batch closes.
    pub(crate) fn boundary(&self) -> BatchTime {
        self.state().boundary
    }

    /// Whether any batch was closed here since the job was started.
    pub(crate) fn has_closed(&self) -> bool {
        self.state().has_closed
    }

    /// Whether everything that was closed is delivered.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().in_flight.is_empty()
    }

    /// Whether workers must leave records in the queues.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding.load(Ordering::Acquire)
    }

    /// A worker took in its first records of the open batch.
    pub(crate) fn mark_dirty(&self) {
        self.dirty.fetch_add(1, Ordering::AcqRel);
    }

    /// A worker that had records in the open batch has closed it.
    pub(crate) fn mark_clean(&self) {
        self.dirty.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether the open batch has records, or will have as soon as a worker looks. Exact only while nothing is
    /// in flight: before, a worker may not have seen yet that its batch was closed.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire) > 0 || self.counters.pending.load(Ordering::Acquire) > 0
    }

    /// How many batches may be closed and not delivered.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Tells the workers to leave: all is delivered.
    pub(crate) fn leave(&self) {
        self.order(|| WorkerOrder::Leave);
    }

    /// Tells the workers to drop everything.
    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.workers.iter().for_each(|worker| worker.signal.raise());
    }

    /// Whether the job was aborted.
    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    fn order(&self, order: impl Fn() -> WorkerOrder) {
        for worker in &self.workers {
            // A worker that is gone has reported why; the job is on its way down.
            let _ = worker.orders.send(order());
            worker.signal.raise();
        }
    }
}
