//! The bounded way from a source to the workers.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::Closed;
use crate::{stream::Epoch, time::BatchTime};

/// Records of one send that travel together. Longer sends are cut: a queue is bounded in chunks, so
/// chunks must be bounded in records.
pub(crate) const CHUNK: usize = 1024;

/// Wakes one worker. The flag outlives the wake-up, so that a worker which was busy still sees it.
#[derive(Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    thread: OnceLock<std::thread::Thread>,
}

impl Signal {
    /// Names the calling thread as the one to wake.
    pub(crate) fn attach(&self) {
        self.thread.set(std::thread::current()).expect("a worker attaches once");
    }
    /// Wakes the worker, or makes it look again before it next parks.
    pub(crate) fn raise(&self) {
        if !self.raised.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
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
}

/// The queue from one source to one worker.
pub(crate) struct Lane<T> {
    pub(crate) queue: mpsc::Sender<Chunk<T>>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) books: Arc<Books>,
}

impl<T> Clone for Lane<T> {
    fn clone(&self) -> Self {
        Lane { queue: self.queue.clone(), signal: self.signal.clone(), books: self.books.clone() }
    }
}

impl<T> Lane<T> {
    async fn send(&self, records: Vec<T>) -> Result<(), Closed> {
        let place = self.queue.reserve().await.map_err(|_| Closed)?;
        self.books.pending.fetch_add(1, Ordering::AcqRel);
        place.send(Chunk { sent_in: self.books.open.load(Ordering::Acquire), records });
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
        self.lane().send(vec![record]).await
    }

    /// Sends many records in their order: much cheaper than one by one. With several workers they are
    /// dealt out in contiguous parts. Dropped half-way, it has sent a prefix.
    ///
    /// # Errors
    /// As [`send`](Outlet::send).
    pub async fn send_all(&mut self, records: Vec<T>) -> Result<(), Closed> {
        let part = records.len().div_ceil(self.lanes.len()).clamp(1, CHUNK);
        if records.len() == part {
            return self.lane().send(records).await;
        }
        let mut records = records.into_iter();
        while records.len() > 0 {
            let chunk = records.by_ref().take(part).collect();
            self.lane().send(chunk).await?;
        }
        Ok(())
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

    /// An outlet into the same job for a source inside of this one, and where to hand on what this is
    /// [asked for](Outlet::asked).
    pub(super) fn inner(&self) -> (Self, mpsc::Sender<PaceRequest>) {
        let (pace, requests) = mpsc::channel(1);
        (Outlet::new(self.lanes.clone(), requests, self.stop.clone(), self.interval, self.started), pace)
    }

    /// The next request for a batch, as it is; `None` when there will be none.
    pub(super) async fn asked(&mut self) -> Option<PaceRequest> {
        self.pace.recv().await
    }

    fn lane(&mut self) -> &Lane<T> {
        let lane = self.next;
        self.next = (lane + 1) % self.lanes.len();
        &self.lanes[lane]
    }
}
