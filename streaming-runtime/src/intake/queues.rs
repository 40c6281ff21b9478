//! The bounded queues from a source to the workers.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};

use crate::{
    contract::{error::Closed, receipt::Receipts},
    ids::Epoch,
    intake::{
        admission::Held,
        partitions::{ChunkOrigin, NotAsBefore},
        pending_acks::PendingAcks,
        signal::Signal,
        track::SourceTrack,
    },
    time::BatchTime,
};

/// What all queues of a job share.
#[derive(Default)]
pub(crate) struct IntakeCounters {
    /// Chunks that were sent and that no worker has taken yet.
    pub(crate) pending: AtomicUsize,
    /// Whether an operator of the pipeline depends on the order of records: known when the dataflow is built.
    pub(crate) is_ordered: watch::Sender<Option<bool>>,
    /// The slides of the windows: known when the dataflow is built.
    pub(crate) slides: OnceLock<Vec<Duration>>,
}

/// Records on their way to a worker. A worker may not have heard yet that the batch before `sent_in` was closed, and must
/// not put them there.
pub(crate) struct Chunk<T> {
    /// The batch that was open when they were sent.
    pub(crate) sent_in: Epoch,
    pub(crate) records: Vec<T>,
    pub(crate) acks: PendingAcks,
}

/// The queue from one source to one worker.
pub(crate) struct WorkerQueue<T> {
    pub(crate) queue: mpsc::Sender<Chunk<T>>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) counters: Arc<IntakeCounters>,
}

type Slot<'a, T> = mpsc::Permit<'a, Chunk<T>>;

impl<T> Clone for WorkerQueue<T> {
    fn clone(&self) -> Self {
        WorkerQueue {
            queue: self.queue.clone(),
            signal: self.signal.clone(),
            counters: self.counters.clone(),
        }
    }
}

impl<T> WorkerQueue<T> {
    /// Waits for a slot. If the queue is full, it waits until half of it is empty: a wake-up per slot would cost more than
    /// a worker needs to empty one.
    pub(crate) async fn reserve(&self) -> Result<Slot<'_, T>, Closed> {
        match self.queue.try_reserve() {
            Ok(slot) => return Ok(slot),
            Err(TrySendError::Closed(())) => return Err(Closed),
            Err(TrySendError::Full(())) => {}
        }
        let half = self.queue.max_capacity().div_ceil(2);
        let mut slots = self.queue.reserve_many(half).await.map_err(|_| Closed)?;
        Ok(slots.next().expect("half of a queue is at least one slot"))
    }

    /// Sends a chunk through a slot, counts it into the open batch and wakes the worker. The error is that a batch that is
    /// replayed had other records of the partition; they are sent all the same.
    pub(crate) fn put(
        &self,
        (track, origin): (&SourceTrack<T>, ChunkOrigin<'_>),
        slot: Slot<'_, T>,
        records: Vec<T>,
        receipts: Option<Receipts>,
        held: Held,
    ) -> Result<(), NotAsBefore> {
        self.counters.pending.fetch_add(1, Ordering::AcqRel);
        let acks = PendingAcks::new(receipts, held);
        let (putting, first, is_as_before) = track.progress.put(records.len(), origin);
        if let Some(write) = &track.input_writer {
            write(first, &records);
        }
        slot.send(Chunk { sent_in: putting.epoch(), records, acks });
        drop(putting);
        self.signal.raise();
        is_as_before
    }
}

/// The engine asks a paced source for the records of the batch at `time`. Dropping `done` says that all were sent.
pub(crate) struct PaceRequest {
    pub(crate) time: BatchTime,
    pub(crate) done: oneshot::Sender<()>,
    /// Set by the source when it takes the request.
    pub(crate) heard: Arc<AtomicBool>,
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_takes_more_when_half_of_it_is_empty() {
        let (sender, mut chunks) = mpsc::channel(4);
        let queue = WorkerQueue { queue: sender, signal: Arc::default(), counters: Arc::default() };
        let track = SourceTrack { progress: Arc::default(), input_writer: None };
        let fill = |place, n: u64| {
            let put = queue.put((&track, ChunkOrigin::default()), place, vec![n], None, Held::default());
            put.expect("it is of no partition");
        };
        for n in 0..4 {
            fill(queue.reserve().await.expect("it is open"), n);
        }
        let mut waits = Box::pin(queue.reserve());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(chunks.try_recv());
        assert!(waits.as_mut().now_or_never().is_none(), "one of four is not half");
        drop(chunks.try_recv());
        fill(waits.as_mut().now_or_never().expect("half is empty").expect("it is open"), 4);
        fill(queue.reserve().now_or_never().expect("the rest of the half").expect("it is open"), 5);
        assert!(queue.reserve().now_or_never().is_none());
        let left: Vec<u64> =
            std::iter::from_fn(|| chunks.try_recv().ok()).flat_map(|chunk| chunk.records).collect();
        assert_eq!(left, [2, 3, 4, 5]);
        drop(chunks);
        assert!(queue.reserve().await.is_err(), "nobody takes them");
    }

    #[tokio::test]
    async fn half_of_a_queue_of_one_is_that_one() {
        let (sender, mut chunks) = mpsc::channel(1);
        let queue = WorkerQueue { queue: sender, signal: Arc::default(), counters: Arc::default() };
        let track = SourceTrack { progress: Arc::default(), input_writer: None };
        for n in 0..3 {
            let place = queue.reserve().now_or_never().expect("it is empty").expect("it is open");
            let put = queue.put((&track, ChunkOrigin::default()), place, vec![n], None, Held::default());
            put.expect("it is of no partition");
            assert!(queue.reserve().now_or_never().is_none());
            assert_eq!(chunks.try_recv().expect("it was put").records, [n]);
        }
    }
}
