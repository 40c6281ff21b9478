//! The bounded way from a source to the workers.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{Closed, receipt::Receipts};
use crate::{stream::Epoch, time::BatchTime};

/// Records of one send that travel together. Longer sends are cut: a queue is bounded in chunks, so
/// chunks must be bounded in records.
pub(crate) const CHUNK: usize = 1024;

/// Wakes one worker. The flag outlives the wake-up, so that a worker which was busy still sees it.
#[derive(Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    sleeper: OnceLock<Sleeper>,
}

/// Where a worker sleeps.
enum Sleeper {
    Thread(std::thread::Thread),
    Task(Arc<Notify>),
}

impl Signal {
    /// Names the calling thread as the one to wake.
    pub(crate) fn attach_thread(&self) {
        self.attach(Sleeper::Thread(std::thread::current()));
    }
    /// Names a task as the one to wake: it waits for what is returned.
    pub(crate) fn attach_task(&self) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.attach(Sleeper::Task(notify.clone()));
        notify
    }
    fn attach(&self, sleeper: Sleeper) {
        assert!(self.sleeper.set(sleeper).is_ok(), "a worker attaches once");
    }
    /// Wakes the worker, or makes it look again before it next sleeps.
    pub(crate) fn raise(&self) {
        if !self.raised.swap(true, Ordering::AcqRel) {
            match self.sleeper.get() {
                Some(Sleeper::Thread(thread)) => thread.unpark(),
                Some(Sleeper::Task(task)) => task.notify_one(),
                None => {}
            }
        }
    }
    /// Whether there was a call since the last time; the worker then looks at everything.
    pub(crate) fn take(&self) -> bool {
        self.raised.swap(false, Ordering::AcqRel)
    }
    /// Whether there was a call that [`take`](Signal::take) has not seen.
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }
}

/// What a whole job knows of its queues.
#[derive(Default)]
pub(crate) struct Books {
    /// Chunks that were sent and not yet taken by a worker.
    pub(crate) pending: AtomicUsize,
    /// The number of the open batch.
    pub(crate) open: AtomicU64,
}

/// Records on their way to a worker, with the batch that was open when they were sent: a worker that has not
/// heard yet that the batch before was closed must not put them there.
pub(crate) struct Chunk<T> {
    pub(crate) sent_in: Epoch,
    pub(crate) records: Vec<T>,
    /// To be told when the batch that the records come into was delivered.
    pub(crate) receipts: Option<Receipts>,
}

/// The queue from one source to one worker.
pub(crate) struct Lane<T> {
    pub(crate) queue: mpsc::Sender<Chunk<T>>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) books: Arc<Books>,
}

impl<T> Lane<T> {
    async fn send(&self, records: Vec<T>, receipts: Option<Receipts>) -> Result<(), Closed> {
        let place = self.queue.reserve().await.map_err(|_| Closed)?;
        self.books.pending.fetch_add(1, Ordering::AcqRel);
        place.send(Chunk { sent_in: self.books.open.load(Ordering::Acquire), records, receipts });
        self.signal.raise();
        Ok(())
    }
}

/// The engine wants the records of the batch at `time`; dropping `done` says that they were all sent.
pub(crate) struct PaceRequest {
    pub(crate) time: BatchTime,
    pub(crate) done: oneshot::Sender<()>,
}

/// Takes a source's records into the job, and waits while the job is behind.
pub struct Outlet<T> {
    lanes: Vec<Lane<T>>,
    next: usize,
    pace: mpsc::Receiver<PaceRequest>,
    answering: Option<oneshot::Sender<()>>,
    stop: watch::Receiver<bool>,
    interval: Duration,
    started: BatchTime,
}

impl<T> Outlet<T> {
    pub(crate) fn new(
        lanes: Vec<Lane<T>>,
        pace: mpsc::Receiver<PaceRequest>,
        stop: watch::Receiver<bool>,
        interval: Duration,
        started: BatchTime,
    ) -> Self {
        Outlet { lanes, next: 0, pace, answering: None, stop, interval, started }
    }

    /// The job's batch interval.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The stream time at which the job started.
    pub fn started(&self) -> BatchTime {
        self.started
    }

    /// Sends one record. Waits while the queue to the workers is full.
    ///
    /// # Errors
    /// [`Closed`] when the job has ended; the source should return.
    pub async fn send(&mut self, record: T) -> Result<(), Closed> {
        self.lane().send(vec![record], None).await
    }

    /// Sends many records in their order: much cheaper than one by one. With several workers they are
    /// dealt out in contiguous parts. Dropped half-way, it has sent a prefix.
    ///
    /// # Errors
    /// As [`send`](Outlet::send).
    pub async fn send_all(&mut self, records: Vec<T>) -> Result<(), Closed> {
        self.send_tracked(records, None).await
    }

    /// As [`send_all`](Outlet::send_all); `receipts` are given out when all of the records, one at least, were
    /// delivered.
    pub(crate) async fn send_tracked(
        &mut self,
        records: Vec<T>,
        receipts: Option<Receipts>,
    ) -> Result<(), Closed> {
        let part = records.len().div_ceil(self.lanes.len()).clamp(1, CHUNK);
        if records.len() == part {
            return self.lane().send(records, receipts).await;
        }
        let mut records = records.into_iter();
        while records.len() > part {
            let chunk = records.by_ref().take(part).collect();
            self.lane().send(chunk, receipts.clone()).await?;
        }
        match records.len() {
            0 => Ok(()),
            _ => self.lane().send(records.collect(), receipts).await,
        }
    }

    /// Gives `receipts` out when everything that was sent so far was delivered.
    pub(crate) async fn flush(&mut self, receipts: Receipts) -> Result<(), Closed> {
        let (first, others) = self.lanes.split_first().expect("a job has a worker");
        for lane in others {
            lane.send(Vec::new(), Some(receipts.clone())).await?;
        }
        first.send(Vec::new(), Some(receipts)).await
    }

    /// For a paced source ([`Source::PACED`](super::Source::PACED)): says that all records of the last batch
    /// were sent, and waits until the engine is about to close the next, whose time it returns. Send what
    /// belongs to that batch, then call this again. `None` when the job is ending.
    pub async fn batch_due(&mut self) -> Option<BatchTime> {
        self.answering = None;
        let request = self.pace.recv().await?;
        self.answering = Some(request.done);
        Some(request.time)
    }

    /// Waits until the job is asked to stop gracefully: for a source that [`DRAINS`](super::Source::DRAINS).
    pub async fn stop_requested(&mut self) {
        // The sender goes only with the job, and then this source goes too.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    fn lane(&mut self) -> &Lane<T> {
        let lane = self.next;
        self.next = (lane + 1) % self.lanes.len();
        &self.lanes[lane]
    }
}
