//! What is known of each source, sink and worker: each writes its own.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicU8, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Instant,
};

use crate::{
    clock::Clock,
    ids::Epoch,
    observe::{
        metrics::{Polls, recent::CountedSpan},
        operator_stats::Cells,
    },
    time::BatchTime,
};

/// How full a queue is.
pub(crate) type Waiting = Box<dyn Fn() -> usize + Send + Sync>;

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
    pub(super) fn new(port: &'static str, queues: Vec<Waiting>, is_alone: bool) -> Self {
        SourceBoard {
            port,
            queues: Mutex::new(queues),
            state: AtomicU8::new(0),
            asked: Default::default(),
            polls: Polls::new(is_alone),
        }
    }
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
    pub(super) records: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) busy: AtomicU64,
    /// Whether it is writing.
    writing: AtomicU8,
    /// Since when it is writing or waiting.
    since: AtomicU64,
    pub(crate) polls: Polls,
}

impl SinkBoard {
    pub(super) fn new(port: &'static str, workers: usize, began_at: u64, is_alone: bool) -> Self {
        SinkBoard {
            port,
            parts: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            taken: AtomicU64::new(0),
            records: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            writing: AtomicU8::new(0),
            since: AtomicU64::new(began_at),
            polls: Polls::new(is_alone),
        }
    }
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
    pub(super) sources: Box<[Taken]>,
    /// The batch whose records it takes in.
    open: AtomicU64,
}

/// What a worker took in of a source.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) records: AtomicU64,
    pub(super) lately: CountedSpan,
    /// When the last came; 0 before.
    pub(super) last: AtomicU64,
}

impl WorkerBoard {
    pub(super) fn new(cells: Cells, sources: usize) -> Self {
        let sources = (0..sources).map(|_| Taken::default()).collect();
        WorkerBoard { cells: Arc::new(cells), sources, open: AtomicU64::new(0) }
    }
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
