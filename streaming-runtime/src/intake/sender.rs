//! The way of records from a source, or a partition of one, to the workers.

use std::{future::poll_fn, pin::pin, task::Poll};

use tokio::sync::{mpsc::error::TrySendError, watch};

use crate::{
    contract::{error::Closed, receipt::Receipts},
    intake::{
        admission::{Admission, Held},
        hand_on::HandOn,
        partitions::{ChunkOrigin, NotAsBefore},
        progress::SourceProgress,
        queues::WorkerQueue,
        track::SourceTrack,
    },
};

/// Records of one send that travel together. Longer sends are cut: a queue is bounded in chunks, so
/// chunks must be bounded in records.
pub(crate) const CHUNK: usize = 1024;

/// Sends records to the workers, within the limits of the job. Clones send for the same source.
pub(crate) struct RecordSender<T> {
    pub(crate) admission: Admission<T>,
    pub(crate) queues: Vec<WorkerQueue<T>>,
    pub(crate) track: SourceTrack<T>,
    /// Whether the job is asked to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// Whether the first worker takes all: the order of the records matters.
    in_order: Option<bool>,
    next: usize,
}

/// Why records were not sent, or should not have been.
pub(crate) enum SendError {
    /// The job takes no more.
    Closed,
    /// A batch that is replayed had other records of the partition.
    NotAsBefore(NotAsBefore),
}

/// A number for a record; their sum says whether records are what they were.
pub(crate) type Digest<T> = fn(&T) -> u64;

impl From<NotAsBefore> for SendError {
    fn from(other: NotAsBefore) -> Self {
        SendError::NotAsBefore(other)
    }
}

impl From<Closed> for SendError {
    fn from(_: Closed) -> Self {
        SendError::Closed
    }
}

impl<T> Clone for RecordSender<T> {
    fn clone(&self) -> Self {
        RecordSender {
            admission: self.admission.clone(),
            queues: self.queues.clone(),
            track: self.track.clone(),
            stop: self.stop.clone(),
            in_order: self.in_order,
            next: self.next,
        }
    }
}

impl<T> RecordSender<T> {
    pub(crate) fn new(
        admission: Admission<T>,
        queues: Vec<WorkerQueue<T>>,
        track: SourceTrack<T>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        // One worker gets all records in their order in any case.
        let in_order = (queues.len() == 1).then_some(true);
        RecordSender { admission, queues, track, stop, in_order, next: 0 }
    }

    /// Sends records. If the future is dropped before it is done, a prefix was sent.
    pub(crate) async fn send(
        &mut self,
        origin: ChunkOrigin<'_>,
        records: Vec<T>,
        mut receipts: Option<Receipts>,
        digest: Option<Digest<T>>,
    ) -> Result<(), SendError> {
        let ChunkOrigin { partition, mut reached, .. } = origin;
        let sum = |records: &[T]| digest.map(|digest| records.iter().map(digest).fold(0, u64::wrapping_add));
        self.learn_order().await?;
        let workers = if self.in_order == Some(true) { 1 } else { self.queues.len() };
        let part = records.len().div_ceil(workers).clamp(1, CHUNK);
        let skipped = self.track.progress.skip(partition, records.len());
        let mut records = records.into_iter();
        records.by_ref().take(skipped).for_each(drop);
        while records.len() > 0 {
            let part = part.min(records.len()).min(self.track.progress.room(partition).await);
            let admitted = held_up(&self.track.progress, self.admission.admit(part, &mut self.stop)).await;
            if admitted == 0 {
                self.admission.dropped(records.len());
                receipts = None;
                break;
            }
            if admitted == records.len() {
                // What was not cut is not copied.
                let rest: Vec<T> = records.collect();
                let origin = ChunkOrigin { partition, reached: reached.take(), digest: sum(&rest) };
                return self.put(origin, rest, receipts.take()).await;
            }
            let chunk: Vec<T> = records.by_ref().take(admitted).collect();
            let origin = ChunkOrigin { partition, reached: None, digest: sum(&chunk) };
            self.put(origin, chunk, receipts.clone()).await?;
        }
        if reached.is_some() {
            self.track.progress.reached_in(ChunkOrigin { partition, reached, digest: None })?;
        }
        match receipts {
            // All of them were in batches before.
            Some(receipts) => Ok(self.flush(receipts).await?),
            None => Ok(()),
        }
    }

    /// Sends records that the rate limit has admitted.
    async fn put(
        &mut self,
        origin: ChunkOrigin<'_>,
        records: Vec<T>,
        receipts: Option<Receipts>,
    ) -> Result<(), SendError> {
        if self.admission.sheds(&self.stop) {
            return self.put_or_drop(origin, records, receipts);
        }
        let (queue, bytes) = (self.next_queue(), self.admission.weigh(&records));
        let slot = self.queues[queue].reserve().await?;
        let is_replay = self.track.progress.missing().is_some();
        let held = held_up(&self.track.progress, self.admission.hold(bytes, is_replay, &mut self.stop)).await;
        Ok(self.queues[queue].put((&self.track, origin), slot, records, receipts, held)?)
    }

    /// Sends if that needs no waiting, to whichever worker has room.
    fn put_or_drop(
        &mut self,
        origin: ChunkOrigin<'_>,
        records: Vec<T>,
        receipts: Option<Receipts>,
    ) -> Result<(), SendError> {
        for _ in 0..self.queues.len() {
            let queue = self.next_queue();
            match self.queues[queue].queue.try_reserve() {
                Err(TrySendError::Closed(())) => return Err(SendError::Closed),
                Err(TrySendError::Full(())) => {}
                Ok(slot) => {
                    let Some(held) = self.admission.try_hold(self.admission.weigh(&records)) else { break };
                    return Ok(self.queues[queue].put(
                        (&self.track, origin),
                        slot,
                        records,
                        receipts,
                        held,
                    )?);
                }
            }
        }
        self.admission.dropped(records.len());
        Ok(self.track.progress.reached_in(ChunkOrigin { digest: None, ..origin })?)
    }

    /// Gives `receipts` out when everything that was sent so far was delivered.
    pub(crate) async fn flush(&self, receipts: Receipts) -> Result<(), Closed> {
        let (first, others) = self.queues.split_first().expect("a job has a worker");
        let put = |queue: &WorkerQueue<T>, slot, receipts| {
            let put = queue.put(
                (&self.track, ChunkOrigin::default()),
                slot,
                Vec::new(),
                Some(receipts),
                Held::default(),
            );
            put.expect("it is of no partition");
        };
        for queue in others {
            put(queue, queue.reserve().await?, receipts.clone());
        }
        put(first, first.reserve().await?, receipts);
        Ok(())
    }

    /// Waits until it is known whether the order of the records matters.
    async fn learn_order(&mut self) -> Result<(), Closed> {
        if self.in_order.is_none() {
            let mut known = self.queues[0].counters.is_ordered.subscribe();
            self.in_order = *known.wait_for(Option::is_some).await.map_err(|_| Closed)?;
        }
        Ok(())
    }

    /// The queue for the next chunk: workers take turns, unless the order of the records matters.
    fn next_queue(&mut self) -> usize {
        if self.in_order == Some(true) {
            return 0;
        }
        let queue = self.next;
        self.next = (queue + 1) % self.queues.len();
        queue
    }
}

/// Waits for something that may need time to go on or a batch to be delivered, and marks the source as held up meanwhile.
async fn held_up<T>(progress: &SourceProgress, wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    match poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await {
        Poll::Ready(ready) => ready,
        Poll::Pending => {
            let _held_up = progress.hand_on().map(HandOn::held_up);
            wait.await
        }
    }
}
