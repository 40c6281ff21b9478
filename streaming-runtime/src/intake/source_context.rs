//! The bounded path from a source to the workers.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::sync::{
    Notify,
    mpsc::{
        error::TrySendError,
        {self},
    },
    oneshot, watch,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    contract::{
        error::{Closed, ConnectorError},
        receipt::Receipts,
    },
    ids::Epoch,
    intake::{
        admission::{Admission, Held},
        handover::{Handover, HeldUp},
        progress::SourceProgress,
    },
    time::BatchTime,
};

/// Records of one send that travel together. Longer sends are cut: a queue is bounded in chunks, so
/// chunks must be bounded in records.
pub(crate) const CHUNK: usize = 1024;
/// What an error shows of a position, in characters.
const SHOWN: usize = 200;

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

/// The state that all queues of a job share.
#[derive(Default)]
pub(crate) struct IntakeCounters {
    /// Chunks that were sent and not yet taken by a worker.
    pub(crate) pending: AtomicUsize,
    /// Whether an operator of the pipeline depends on the order of records: known when the dataflow is built.
    pub(crate) is_ordered: watch::Sender<Option<bool>>,
    /// By how much windows slide: known when the dataflow is built.
    pub(crate) slides: OnceLock<Vec<Duration>>,
}

/// Records on their way to a worker, with the batch that was open when they were sent: a worker that has not
/// heard yet that the batch before was closed must not put them there.
pub(crate) struct Chunk<T> {
    pub(crate) sent_in: Epoch,
    pub(crate) records: Vec<T>,
    pub(crate) dues: PendingAcks,
}

/// What is due when the batch that records come into was delivered: receipts to give out, bytes to give back.
#[derive(Default)]
pub(crate) struct PendingAcks {
    receipts: Vec<Receipts>,
    held: Held,
}

impl PendingAcks {
    fn new(receipts: Option<Receipts>, held: Held) -> Self {
        PendingAcks { receipts: receipts.into_iter().collect(), held }
    }

    /// Takes over what is due for records of the same job that come into the same batch.
    pub(crate) fn append(&mut self, more: &mut PendingAcks) {
        self.receipts.append(&mut more.receipts);
        self.held.append(&mut more.held);
    }

    /// Gives the bytes back; the receipts are left.
    pub(crate) fn into_receipts(self) -> Vec<Receipts> {
        self.receipts
    }
}

/// The queue from one source to one worker.
pub(crate) struct WorkerQueue<T> {
    pub(crate) queue: mpsc::Sender<Chunk<T>>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) books: Arc<IntakeCounters>,
}

type Place<'a, T> = mpsc::Permit<'a, Chunk<T>>;

impl<T> Clone for WorkerQueue<T> {
    fn clone(&self) -> Self {
        WorkerQueue { queue: self.queue.clone(), signal: self.signal.clone(), books: self.books.clone() }
    }
}

impl<T> WorkerQueue<T> {
    /// A place in the queue. Where it is full, only when half of it is empty: to be woken for each place costs more than
    /// it takes a worker to fill and empty one.
    async fn reserve(&self) -> Result<Place<'_, T>, Closed> {
        match self.queue.try_reserve() {
            Ok(place) => return Ok(place),
            Err(TrySendError::Closed(())) => return Err(Closed),
            Err(TrySendError::Full(())) => {}
        }
        let half = self.queue.max_capacity().div_ceil(2);
        let mut places = self.queue.reserve_many(half).await.map_err(|_| Closed)?;
        Ok(places.next().expect("half of a queue is a place at least"))
    }

    fn put(
        &self,
        way: &SourceTrack<T>,
        place: Place<'_, T>,
        records: Vec<T>,
        receipts: Option<Receipts>,
        held: Held,
    ) {
        self.books.pending.fetch_add(1, Ordering::AcqRel);
        let dues = PendingAcks::new(receipts, held);
        let (putting, first) = way.cut.put(records.len());
        if let Some(journal) = &way.journal {
            journal(first, &records);
        }
        place.send(Chunk { sent_in: putting.epoch(), records, dues });
        drop(putting);
        self.signal.raise();
    }
}

/// Where the records of a source are counted, and written down if they are: by the number of the first of them.
pub(crate) struct SourceTrack<T> {
    pub(crate) cut: Arc<SourceProgress>,
    pub(crate) journal: Option<Journal<T>>,
}

/// Writes records down, by the number of the first of them.
pub(crate) type Journal<T> = Arc<dyn Fn(u64, &[T]) + Send + Sync>;

impl<T> Clone for SourceTrack<T> {
    fn clone(&self) -> Self {
        SourceTrack { cut: self.cut.clone(), journal: self.journal.clone() }
    }
}

/// A request for the records of the batch at `time`; dropping `done` reports that all were sent.
pub(crate) struct PaceRequest {
    pub(crate) time: BatchTime,
    pub(crate) done: oneshot::Sender<()>,
    /// Set by the source when it hears of it.
    pub(crate) heard: Arc<AtomicBool>,
}

/// Where a source sends its records. It waits while the job is behind.
pub struct SourceContext<T> {
    gate: Admission<T>,
    lanes: Vec<WorkerQueue<T>>,
    way: SourceTrack<T>,
    /// Whether the first worker takes all: the order of the records matters.
    in_order: Option<bool>,
    next: usize,
    pace: mpsc::Receiver<PaceRequest>,
    answering: Option<oneshot::Sender<()>>,
    stop: watch::Receiver<bool>,
    interval: Duration,
    started: BatchTime,
}

/// A position, as the source knows it.
fn position<P: DeserializeOwned>(written: &[u8]) -> Result<P, ConnectorError> {
    serde_json::from_slice(written).map_err(|error| {
        let mut written = String::from_utf8_lossy(written).into_owned();
        if let Some((end, _)) = written.char_indices().nth(SHOWN) {
            written.replace_range(end.., "..");
        }
        ConnectorError::Config(format!(
            "the checkpoint has a position that this source does not know, {written}: {error}; give the port the kind of \
             source that it had, or begin with a new checkpoint"
        ))
    })
}

/// A number by its name in the metrics.
type Numbered<C> = (&'static str, fn(&C) -> u64);

impl<T> SourceContext<T> {
    pub(crate) fn new(
        gate: Admission<T>,
        lanes: Vec<WorkerQueue<T>>,
        way: SourceTrack<T>,
        pace: mpsc::Receiver<PaceRequest>,
        stop: watch::Receiver<bool>,
        interval: Duration,
        started: BatchTime,
    ) -> Self {
        // One worker has all in order anyway.
        let in_order = (lanes.len() == 1).then_some(true);
        SourceContext { gate, lanes, way, in_order, next: 0, pace, answering: None, stop, interval, started }
    }

    /// Where a source that [replays](crate::connect::Recovery::Replays) begins: the last position that it
    /// [`reached`](SourceContext::reached) before a crash or a stop, if the job goes on from a checkpoint. The source sends everything behind
    /// that position again; the engine drops the records that were in batches already.
    ///
    /// # Errors
    /// [`ConnectorError::Config`] if the position has another type: the checkpoint is of another source.
    pub fn resume_from<P: DeserializeOwned>(&self) -> Result<Option<P>, ConnectorError> {
        self.way.cut.position().as_deref().map(position).transpose()
    }

    /// Records that everything sent so far lies before `position`. Positions are stored as JSON with each batch, so they should be
    /// small. Call it once per piece that is read rather than once per record. Without checkpoints it does nothing.
    pub fn reached<P: Serialize>(&mut self, position: &P) {
        if !self.keeps_positions() {
            return;
        }
        // What cannot be JSON, such as a map with keys that are no strings, would show at the source's first test.
        let position = serde_json::to_vec(position).expect("a position can be written as JSON");
        self.way.cut.reached(position);
    }

    /// For a source that [replays](crate::connect::Recovery::Replays) and has to know what it gave to a batch: where it was at the end
    /// of the batch that runs again now after a crash, if one does. A paced source asks when the batch is
    /// [due](SourceContext::batch_due), and sends what lies between the position before and this one; if the position names
    /// what the batch had, it need not find that out a second time. Other sources are told of the next batch
    /// that has a position.
    ///
    /// # Errors
    /// As [`resume_from`](SourceContext::resume_from).
    pub fn again<P: DeserializeOwned>(&self) -> Result<Option<P>, ConnectorError> {
        self.way.cut.again().as_deref().map(position).transpose()
    }

    /// Whether positions are written down, so that it is worth to make them.
    pub(crate) fn keeps_positions(&self) -> bool {
        self.way.cut.keeps()
    }

    /// The source begins again at its position, and what it sends for the second time is left out.
    pub(crate) fn rewind(&self) {
        self.way.cut.rewind();
    }

    /// The job's batch interval.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The stream time at which the job started.
    pub fn started(&self) -> BatchTime {
        self.started
    }

    /// When it was by the system's clock at this stream time; the times of files are by that clock. They differ if it was set
    /// while the job ran, see [time](crate::guide::semantics#time).
    pub fn system_time_of(&self, time: BatchTime) -> BatchTime {
        let system = i128::from(time.as_nanos()) - i128::from(self.clock_offset().unwrap_or(0));
        BatchTime::from_nanos(u64::try_from(system.max(0)).unwrap_or(u64::MAX))
    }

    /// Stream time less the system's, in nanoseconds, if it follows that.
    pub(crate) fn clock_offset(&self) -> Option<i64> {
        self.gate.clock_offset()
    }

    /// Counts input that the source found and ignored, and that somebody may miss. It is in the job's metrics and in
    /// [`Job::explain`](crate::Job::explain).
    pub fn ignored(&self, things: u64) {
        self.gate.ignore(things);
    }

    /// Sends one record. It waits while the queue to the workers is full, while the job is at its memory limit
    /// ([`Engine::memory_limit`](crate::Engine::memory_limit)), and while the source is above its rate
    /// ([`Engine::max_rate`](crate::Engine::max_rate)).
    ///
    /// # Errors
    /// [`Closed`] when the job has ended; the source should return.
    pub async fn send(&mut self, record: T) -> Result<(), Closed> {
        self.send_tracked(vec![record], None).await
    }

    /// Sends many records in their order, which costs much less than one by one. With several workers they are distributed in
    /// contiguous parts. If the future is dropped before it is done, a prefix was sent.
    ///
    /// # Errors
    /// As [`send`](SourceContext::send).
    pub async fn send_all(&mut self, records: Vec<T>) -> Result<(), Closed> {
        self.send_tracked(records, None).await
    }

    /// As [`send_all`](SourceContext::send_all); `receipts` are given out when all of the records, one at least, were
    /// delivered.
    pub(crate) async fn send_tracked(
        &mut self,
        records: Vec<T>,
        mut receipts: Option<Receipts>,
    ) -> Result<(), Closed> {
        self.know_the_order().await?;
        let workers = if self.in_order == Some(true) { 1 } else { self.lanes.len() };
        let part = records.len().div_ceil(workers).clamp(1, CHUNK);
        let skipped = self.way.cut.skip(records.len());
        let mut records = records.into_iter();
        records.by_ref().take(skipped).for_each(drop);
        while records.len() > 0 {
            let part = part.min(records.len()).min(self.way.cut.room().await);
            let admitted = held_up(&self.way.cut, self.gate.admit(part, &mut self.stop)).await;
            if admitted == 0 {
                self.gate.dropped(records.len());
                break;
            }
            if admitted == records.len() {
                // What was not cut is not copied.
                return self.put(records.collect(), receipts.take()).await;
            }
            let chunk = records.by_ref().take(admitted).collect();
            self.put(chunk, receipts.clone()).await?;
        }
        Ok(())
    }

    /// Sends records that are in the job's log, of which the first has the number `first`, but for those that were in
    /// batches before.
    pub(crate) async fn send_logged(&mut self, first: u64, mut records: Vec<T>) -> Result<(), Closed> {
        self.leave_out(first, &mut records);
        let journal = self.way.journal.take();
        let sent = self.send_all(records).await;
        self.way.journal = journal;
        sent
    }

    /// Leaves out the records that were in batches before; the first of all has the number `first`.
    pub(crate) fn leave_out(&self, first: u64, records: &mut Vec<T>) {
        let over = self.way.cut.total().saturating_sub(first).min(records.len() as u64);
        records.drain(..over as usize);
    }

    /// How many records were sent in all.
    pub(crate) fn sent(&self) -> u64 {
        self.way.cut.total()
    }

    /// Whether the open batch runs again, and how many records it lacks.
    pub(crate) fn lacks(&self) -> Option<u64> {
        self.way.cut.lacks()
    }

    /// Sends what the rate has let through.
    async fn put(&mut self, records: Vec<T>, receipts: Option<Receipts>) -> Result<(), Closed> {
        if self.gate.sheds(&self.stop) {
            return self.put_or_drop(records, receipts);
        }
        let (lane, bytes) = (self.turn(), self.gate.weigh(&records));
        let place = self.lanes[lane].reserve().await?;
        let again = self.lacks().is_some();
        let held = held_up(&self.way.cut, self.gate.hold(bytes, again, &mut self.stop)).await;
        self.lanes[lane].put(&self.way, place, records, receipts, held);
        Ok(())
    }

    /// Sends if that needs no waiting, to whichever worker has room.
    fn put_or_drop(&mut self, records: Vec<T>, receipts: Option<Receipts>) -> Result<(), Closed> {
        for _ in 0..self.lanes.len() {
            let lane = self.turn();
            match self.lanes[lane].queue.try_reserve() {
                Err(TrySendError::Closed(())) => return Err(Closed),
                Err(TrySendError::Full(())) => {}
                Ok(place) => {
                    let Some(held) = self.gate.try_hold(self.gate.weigh(&records)) else { break };
                    self.lanes[lane].put(&self.way, place, records, receipts, held);
                    return Ok(());
                }
            }
        }
        self.gate.dropped(records.len());
        Ok(())
    }

    /// Adds a counter of the connector, such as bad lines, to the job's metrics
    /// ([`SourceMetrics::events`](crate::SourceMetrics)). A later counter of the same name replaces it.
    pub fn count(&self, event: &'static str, count: impl Fn() -> u64 + Send + Sync + 'static) {
        self.gate.count(event, count);
    }

    /// The same, of several numbers that stand together; clones of `of` count into the same.
    pub(crate) fn count_all<C: Clone + Send + Sync + 'static, const N: usize>(
        &self,
        of: &C,
        counts: [Numbered<C>; N],
    ) {
        for (event, count) in counts {
            let of = of.clone();
            self.count(event, move || count(&of));
        }
    }

    /// Drops from now on what would have to wait.
    pub(crate) fn shed(&mut self) {
        self.gate.shed();
    }

    /// Gives `receipts` out when everything that was sent so far was delivered.
    pub(crate) async fn flush(&mut self, receipts: Receipts) -> Result<(), Closed> {
        let (first, others) = self.lanes.split_first().expect("a job has a worker");
        for lane in others {
            lane.put(&self.way, lane.reserve().await?, Vec::new(), Some(receipts.clone()), Held::default());
        }
        first.put(&self.way, first.reserve().await?, Vec::new(), Some(receipts), Held::default());
        Ok(())
    }

    /// For a paced source ([`Source::PACED`](crate::connect::Source::PACED)): reports that all records of the last batch were sent, and
    /// waits until the engine is about to close the next one. Returns that batch's time. Send the records of that batch, then call
    /// this again. `None` when the job is ending.
    pub async fn batch_due(&mut self) -> Option<BatchTime> {
        self.answering = None;
        let request = self.pace.recv().await?;
        request.heard.store(true, Ordering::Release);
        self.answering = Some(request.done);
        Some(request.time)
    }

    /// Waits until the job is asked to stop gracefully: for a source that [`DRAINS`](crate::connect::Source::DRAINS).
    pub async fn stop_requested(&mut self) {
        // The sender goes only with the job, and then this source goes too.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// For a source that [accepts](crate::connect::Source::ACCEPTS) records from the program: waits until it is to hand on what it
    /// has accepted, and then to say that it [has](SourceContext::handed_on).
    pub(crate) fn asked_to_hand_on(&self) -> impl Future<Output = u64> + Send + use<T> {
        let cut = self.way.cut.clone();
        async move {
            match cut.handover() {
                Some(handover) => handover.asked().await,
                None => std::future::pending().await,
            }
        }
    }

    /// The source has handed on what it had accepted when it was asked.
    pub(crate) fn handed_on(&self, asked: u64) {
        self.way.cut.handover().iter().for_each(|handover| handover.done(asked));
    }

    /// The source does not answer for a while.
    pub(crate) fn pauses(&self) -> Option<HeldUp<'_>> {
        self.way.cut.handover().map(Handover::held_up)
    }

    /// An outlet into the same job for a source inside of this one, and where to hand on what this is
    /// [asked for](SourceContext::asked).
    pub(crate) fn inner(&self) -> (Self, mpsc::Sender<PaceRequest>) {
        let (pace, requests) = mpsc::channel(1);
        (
            SourceContext::new(
                self.gate.clone(),
                self.lanes.clone(),
                self.way.clone(),
                requests,
                self.stop.clone(),
                self.interval,
                self.started,
            ),
            pace,
        )
    }

    /// The next request for a batch, as it is; `None` when there will be none.
    pub(crate) async fn asked(&mut self) -> Option<PaceRequest> {
        self.pace.recv().await
    }

    /// Waits until it is known whether the order of the records matters.
    async fn know_the_order(&mut self) -> Result<(), Closed> {
        if self.in_order.is_none() {
            let mut known = self.lanes[0].books.is_ordered.subscribe();
            self.in_order = *known.wait_for(Option::is_some).await.map_err(|_| Closed)?;
        }
        Ok(())
    }

    /// The next worker: workers get chunks in turn, unless order matters.
    fn turn(&mut self) -> usize {
        if self.in_order == Some(true) {
            return 0;
        }
        let lane = self.next;
        self.next = (lane + 1) % self.lanes.len();
        lane
    }
}

/// Waits for something that may need time to go on, or a batch to be delivered, and marks the source as waiting meanwhile.
async fn held_up<T>(cut: &SourceProgress, wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    match poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await {
        Poll::Ready(ready) => ready,
        Poll::Pending => {
            let _held_up = cut.handover().map(Handover::held_up);
            wait.await
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_takes_more_when_half_of_it_is_empty() {
        let (queue, mut chunks) = mpsc::channel(4);
        let lane = WorkerQueue { queue, signal: Arc::default(), books: Arc::default() };
        let way = SourceTrack { cut: Arc::default(), journal: None };
        let fill = |place, n: u64| lane.put(&way, place, vec![n], None, Held::default());
        for n in 0..4 {
            fill(lane.reserve().await.expect("it is open"), n);
        }
        let mut waits = Box::pin(lane.reserve());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(chunks.try_recv());
        assert!(waits.as_mut().now_or_never().is_none(), "one of four is not half");
        drop(chunks.try_recv());
        fill(waits.as_mut().now_or_never().expect("half is empty").expect("it is open"), 4);
        fill(lane.reserve().now_or_never().expect("the rest of the half").expect("it is open"), 5);
        assert!(lane.reserve().now_or_never().is_none());
        let left: Vec<u64> =
            std::iter::from_fn(|| chunks.try_recv().ok()).flat_map(|chunk| chunk.records).collect();
        assert_eq!(left, [2, 3, 4, 5]);
        drop(chunks);
        assert!(lane.reserve().await.is_err(), "nobody takes them");
    }

    #[tokio::test]
    async fn half_of_a_queue_of_one_is_that_one() {
        let (queue, mut chunks) = mpsc::channel(1);
        let lane = WorkerQueue { queue, signal: Arc::default(), books: Arc::default() };
        let way = SourceTrack { cut: Arc::default(), journal: None };
        for n in 0..3 {
            let place = lane.reserve().now_or_never().expect("it is empty").expect("it is open");
            lane.put(&way, place, vec![n], None, Held::default());
            assert!(lane.reserve().now_or_never().is_none());
            assert_eq!(chunks.try_recv().expect("it was put").records, [n]);
        }
    }
}
