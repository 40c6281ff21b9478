//! What a source sends its records into.

use std::{sync::atomic::Ordering, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    contract::{
        error::{Closed, ConnectorError},
        port_context::PortContext,
        receipt::{Receipt, Receipts, receipt},
    },
    intake::{
        admission::Admission,
        hand_on::{HandOn, HeldUp},
        partition::Partition,
        partitions::ChunkOrigin,
        queues::{PaceRequest, WorkerQueue},
        sender::RecordSender,
        track::SourceTrack,
    },
    time::BatchTime,
};

/// What an error shows of a position, in characters.
const SHOWN: usize = 200;

/// Where a source sends its records. It waits while the job is behind.
pub struct SourceContext<T> {
    context: PortContext,
    sender: RecordSender<T>,
    pace: mpsc::Receiver<PaceRequest>,
    answering: Option<oneshot::Sender<()>>,
    interval: Duration,
    started: BatchTime,
}

/// What a [`SourceContext`] is made of.
pub(crate) struct SourceContextParts<T> {
    pub(crate) context: PortContext,
    pub(crate) admission: Admission<T>,
    /// The queue to each worker.
    pub(crate) queues: Vec<WorkerQueue<T>>,
    pub(crate) track: SourceTrack<T>,
    /// Requests for batches, of a paced source.
    pub(crate) pace: mpsc::Receiver<PaceRequest>,
    /// Whether the job is asked to stop.
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) interval: Duration,
    pub(crate) started: BatchTime,
}

/// Reads a position of the source's own type.
fn position<P: DeserializeOwned>(written: &[u8]) -> Result<P, ConnectorError> {
    serde_json::from_slice(written).map_err(|error| unknown_position(written, &error))
}

fn unknown_position(written: &[u8], error: &serde_json::Error) -> ConnectorError {
    let mut written = String::from_utf8_lossy(written).into_owned();
    if let Some((end, _)) = written.char_indices().nth(SHOWN) {
        written.replace_range(end.., "..");
    }
    ConnectorError::Config(format!(
        "the checkpoint has a position that this source does not know, {written}: {error}; give the port the kind of \
         source that it had, or begin with a new checkpoint"
    ))
}

/// A number by its name in the metrics.
type Numbered<C> = (&'static str, fn(&C) -> u64);

impl<T> SourceContext<T> {
    pub(crate) fn new(parts: SourceContextParts<T>) -> Self {
        let SourceContextParts { context, admission, queues, track, pace, stop, interval, started } = parts;
        let sender = RecordSender::new(admission, queues, track, stop);
        SourceContext { context, sender, pace, answering: None, interval, started }
    }

    /// Where a source that [replays](crate::connect::Recovery::Replays) begins: the last position that it
    /// [`reached`](SourceContext::reached) before a crash or a stop, if the job goes on from a checkpoint. The source sends everything behind
    /// that position again; the engine drops the records that were in batches already.
    ///
    /// # Errors
    /// [`ConnectorError::Config`] if the position has another type: the checkpoint is of another source.
    pub fn resume_from<P: DeserializeOwned>(&self) -> Result<Option<P>, ConnectorError> {
        self.sender.track.progress.position().as_deref().map(position).transpose()
    }

    /// Records that everything sent so far lies before `position`. Positions are stored as JSON with each batch, so they should be
    /// small. Call it once per piece that is read rather than once per record. Without checkpoints it does nothing.
    pub fn reached<P: Serialize>(&mut self, position: &P) {
        if !self.keeps_positions() {
            return;
        }
        // What cannot be JSON, such as a map with keys that are no strings, would show at the source's first test.
        let position = serde_json::to_vec(position).expect("a position can be written as JSON");
        self.sender.track.progress.reached(position);
    }

    /// The position of this source at the end of the batch that is replayed now after a crash, if one is: for a source that
    /// [replays](crate::connect::Recovery::Replays) and has to know what it gave to a batch. A paced source asks when the batch is
    /// [due](SourceContext::batch_due), and sends what lies between the position before and this one; if the position names
    /// what the batch had, it need not find that out a second time. Other sources are told of the next batch
    /// that has a position.
    ///
    /// # Errors
    /// As [`resume_from`](SourceContext::resume_from).
    pub fn replay_position<P: DeserializeOwned>(&self) -> Result<Option<P>, ConnectorError> {
        self.sender.track.progress.replay_position().as_deref().map(position).transpose()
    }

    /// Whether positions are written down, so that it is worth to make them.
    pub(crate) fn keeps_positions(&self) -> bool {
        self.sender.track.progress.keeps()
    }

    /// The source begins again at its position, and what it sends for the second time is left out.
    pub(crate) fn rewind(&self) {
        self.sender.track.progress.rewind();
    }

    /// Which port of which job it is.
    pub fn port(&self) -> &PortContext {
        &self.context
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
        self.sender.admission.clock_offset()
    }

    /// Counts input that the source found and ignored, and that somebody may miss. It is in the job's metrics and in
    /// [`Job::explain`](crate::Job::explain).
    pub fn ignored(&self, things: u64) {
        self.sender.admission.ignore(things);
    }

    /// Sends one record. It waits while the queue to the workers is full, while the job is at its memory limit
    /// ([`Engine::memory_limit`](crate::Engine::memory_limit)), and while the source is above its rate
    /// ([`Engine::max_rate`](crate::Engine::max_rate)).
    ///
    /// # Errors
    /// [`Closed`] when the job has ended; the source should return.
    pub async fn send(&mut self, record: T) -> Result<(), Closed> {
        self.send_with(vec![record], None).await
    }

    /// Sends many records in their order, which costs much less than one by one. With several workers they are distributed in
    /// contiguous parts. If the future is dropped before it is done, a prefix was sent.
    ///
    /// # Errors
    /// As [`send`](SourceContext::send).
    pub async fn send_all(&mut self, records: Vec<T>) -> Result<(), Closed> {
        self.send_with(records, None).await
    }

    /// As [`send_all`](SourceContext::send_all), with a receipt: a future that is ready when all of the records were delivered, and
    /// are on disk in a job with [checkpoints](crate::Engine::checkpoint) that does not deliver at once. A source that has to
    /// acknowledge to its peer does so then.
    ///
    /// # Errors
    /// As [`send`](SourceContext::send).
    pub async fn send_tracked(&mut self, records: Vec<T>) -> Result<Receipt, Closed> {
        let (addressee, receipt) = receipt();
        self.send_with(records, Receipts::new(vec![addressee])).await?;
        Ok(receipt)
    }

    /// The partition of this name: of a topic, a shard, a file, a connection. See [`Partition`].
    pub fn partition(&self, name: impl Into<String>) -> Partition<T> {
        Partition::new(name.into(), self.sender.clone())
    }

    /// The only partition of a source. It goes on where the source itself [was](SourceContext::reached), if the job's checkpoint is from when
    /// the source had no partitions; and where its one partition was, if that has another name there, which it then keeps.
    pub fn sole_partition(&self, name: impl Into<String>) -> Partition<T> {
        self.partition(self.sender.track.progress.has_one(name.into()))
    }

    /// The partitions that the job's checkpoint has a position of, by name.
    pub fn known_partitions(&self) -> Vec<String> {
        self.sender.track.progress.partitions()
    }

    /// As [`send_all`](SourceContext::send_all); `receipts` are given out when all of the records, one at least, were
    /// delivered.
    pub(crate) async fn send_with(
        &mut self,
        records: Vec<T>,
        receipts: Option<Receipts>,
    ) -> Result<(), Closed> {
        // Only what a partition gives can be other than before.
        self.sender.send(ChunkOrigin::default(), records, receipts, None).await.map_err(|_| Closed)
    }

    /// Sends records that are in the job's log, of which the first has the number `first`, but for those that were in
    /// batches before.
    pub(crate) async fn send_logged(&mut self, first: u64, mut records: Vec<T>) -> Result<(), Closed> {
        self.leave_out(first, &mut records);
        let writer = self.sender.track.input_writer.take();
        let sent = self.send_all(records).await;
        self.sender.track.input_writer = writer;
        sent
    }

    /// Leaves out the records that were in batches before; the first of all has the number `first`.
    pub(crate) fn leave_out(&self, first: u64, records: &mut Vec<T>) {
        let over = self.sender.track.progress.total().saturating_sub(first).min(records.len() as u64);
        records.drain(..over as usize);
    }

    /// How many records were sent in all.
    pub(crate) fn sent(&self) -> u64 {
        self.sender.track.progress.total()
    }

    /// How many records the open batch is missing, if it is replayed.
    pub(crate) fn missing(&self) -> Option<u64> {
        self.sender.track.progress.missing()
    }

    /// Adds a counter of the connector, such as bad lines, to the job's metrics
    /// ([`SourceMetrics::events`](crate::metrics::SourceMetrics)). A later counter of the same name replaces it.
    pub fn count(&self, event: &'static str, count: impl Fn() -> u64 + Send + Sync + 'static) {
        self.sender.admission.count(event, count);
    }

    /// What [`Job::explain`](crate::Job::explain) says of the source while it waits for what may not come: a peer that is away, say, and
    /// how often it is asked again. It is asked for whenever somebody looks; `None` is no trouble.
    ///
    /// ```no_run
    /// # use streaming_runtime::connect::SourceContext;
    /// # fn example(out: &SourceContext<String>, attempts: std::sync::Arc<std::sync::atomic::AtomicU32>) {
    /// out.trouble(move || match attempts.load(std::sync::atomic::Ordering::Relaxed) {
    ///     0 => None,
    ///     n => Some(format!("the peer does not answer: attempt {n} of 10")),
    /// });
    /// # }
    /// ```
    pub fn trouble(&self, trouble: impl Fn() -> Option<String> + Send + Sync + 'static) {
        self.sender.admission.explain_trouble(trouble);
    }

    /// As [`count`](SourceContext::count), of several numbers that stand together; clones of `of` count into the same.
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
        self.sender.admission.shed();
    }

    /// Gives `receipts` out when everything that was sent so far was delivered.
    pub(crate) async fn flush(&mut self, receipts: Receipts) -> Result<(), Closed> {
        self.sender.flush(receipts).await
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
        let _ = self.sender.stop.wait_for(|stop| *stop).await;
    }

    /// For a source that [accepts](crate::connect::Source::ACCEPTS) records from the program: waits until it is to hand on what it
    /// has accepted, and then to say that it [has](SourceContext::handed_on).
    pub(crate) fn asked_to_hand_on(&self) -> impl Future<Output = u64> + Send + use<T> {
        let progress = self.sender.track.progress.clone();
        async move {
            match progress.hand_on() {
                Some(hand_on) => hand_on.asked().await,
                None => std::future::pending().await,
            }
        }
    }

    /// The source has handed on what it had accepted when it was asked.
    pub(crate) fn handed_on(&self, asked: u64) {
        self.sender.track.progress.hand_on().iter().for_each(|hand_on| hand_on.done(asked));
    }

    /// The source does not answer for a while.
    pub(crate) fn pauses(&self) -> Option<HeldUp<'_>> {
        self.sender.track.progress.hand_on().map(HandOn::held_up)
    }

    /// A context in the same job for a source inside of this one, and where to hand on what this is
    /// [asked for](SourceContext::asked).
    pub(crate) fn inner(&self) -> (Self, mpsc::Sender<PaceRequest>) {
        let (pace, requests) = mpsc::channel(1);
        (
            SourceContext::new(SourceContextParts {
                context: self.context.clone(),
                admission: self.sender.admission.clone(),
                queues: self.sender.queues.clone(),
                track: self.sender.track.clone(),
                pace: requests,
                stop: self.sender.stop.clone(),
                interval: self.interval,
                started: self.started,
            }),
            pace,
        )
    }

    /// The next request for a batch, as it is; `None` when there will be none.
    pub(crate) async fn asked(&mut self) -> Option<PaceRequest> {
        self.pace.recv().await
    }
}
