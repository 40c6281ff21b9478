//! The task of one sink: gathers the parts of each batch and hands whole batches to the sink, in order.

use std::{collections::BTreeMap, future::Future, marker::PhantomData, pin::Pin, sync::Arc};

use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use crate::{
    checkpoint::crash_point,
    clock::Clock,
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        port_context::PortContext,
        properties::SinkProperties,
        sink::{Batch, Sink},
    },
    delivery::part::{Part, PartRecords},
    ids::Epoch,
    observe::metrics::SinkBoard,
    time::BatchTime,
};

/// What a transactional sink says when it is open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SinkReport {
    /// The last batch that it has committed.
    pub(crate) committed: Option<BatchTime>,
    /// The checkpoint that it belongs to.
    pub(crate) mark: Option<CheckpointMark>,
    /// Whether it may lack batches that it took, because they were empty.
    pub(crate) skips_empty: bool,
}

/// Receives it.
pub(crate) type SinkReportSender = oneshot::Sender<SinkReport>;

/// What a sink task needs of the job that it delivers for.
pub(crate) trait DeliveryControl: Send + Sync + 'static {
    /// The job's clock.
    fn clock(&self) -> &Clock;
    /// The counters of the sink with this index.
    fn sink_board(&self, sink: usize) -> &SinkBoard;
    /// Which port it is.
    fn port_context(&self, sink: usize) -> PortContext;
    /// The checkpoint of the job, if it keeps one.
    fn checkpoint(&self) -> Option<CheckpointId>;
    /// Waits until the sinks may get `epoch`; `false` if the log has failed, and the job with it.
    fn released(&self, epoch: Epoch) -> impl Future<Output = bool> + Send;
    /// A sink has taken `epoch` with so many records.
    fn sink_acked(&self, epoch: Epoch, records: u64);
    /// Whether the job was aborted.
    fn is_aborted(&self) -> bool;
}

/// A sink, whatever its records are.
pub(crate) trait PartSink: Send {
    fn properties(&self) -> SinkProperties;
    fn open<'a>(&'a mut self, context: &'a PortContext) -> SinkFuture<'a, ()>;
    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError>;
    fn committed(&mut self) -> SinkFuture<'_, Option<BatchTime>>;
    fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> SinkFuture<'_, ()>;
    /// Writes the records of all workers, in this order, as the batch of `time`.
    fn write(&mut self, time: BatchTime, records: Vec<PartRecords>) -> SinkFuture<'_, ()>;
    fn close(&mut self) -> SinkFuture<'_, ()>;
}

type SinkFuture<'a, R> = Pin<Box<dyn Future<Output = Result<R, ConnectorError>> + Send + 'a>>;

/// A sink of records of type `T`.
struct Typed<S, T> {
    sink: S,
    records: PhantomData<fn(T)>,
}

/// A sink that takes parts.
pub(crate) fn part_sink<T: Send + 'static>(sink: impl Sink<T>) -> Box<dyn PartSink> {
    Box::new(Typed { sink, records: PhantomData })
}

impl<T: Send + 'static, S: Sink<T>> PartSink for Typed<S, T> {
    fn properties(&self) -> SinkProperties {
        self.sink.properties()
    }

    fn open<'a>(&'a mut self, context: &'a PortContext) -> SinkFuture<'a, ()> {
        Box::pin(self.sink.open(context))
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.sink.checkpoint_mark()
    }

    fn committed(&mut self) -> SinkFuture<'_, Option<BatchTime>> {
        Box::pin(self.sink.committed())
    }

    fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> SinkFuture<'_, ()> {
        Box::pin(self.sink.mark_checkpoint(checkpoint))
    }

    fn write(&mut self, time: BatchTime, parts: Vec<PartRecords>) -> SinkFuture<'_, ()> {
        let mut records = Vec::new();
        for part in parts {
            let mut more = *part.downcast::<Vec<T>>().expect("a part has the records of its sink");
            match records.is_empty() {
                true => records = more,
                false => records.append(&mut more),
            }
        }
        Box::pin(self.sink.write(Batch { time, records }))
    }

    fn close(&mut self) -> SinkFuture<'_, ()> {
        Box::pin(self.sink.close())
    }
}

/// A sink and where its batches come from.
pub(crate) struct SinkDelivery {
    pub(crate) sink: Box<dyn PartSink>,
    pub(crate) incoming: mpsc::UnboundedReceiver<Part>,
    /// Workers that send a part of each batch.
    pub(crate) workers: usize,
    /// The index of the sink among those of the job.
    pub(crate) index: usize,
    /// The checkpoint that it said at the start to belong to.
    pub(crate) mark: Option<CheckpointMark>,
}

impl SinkDelivery {
    /// Delivers until the workers are gone. With `report_to`, first says what the sink has.
    pub(crate) async fn run<C: DeliveryControl>(
        self,
        control: Arc<C>,
        report_to: Option<SinkReportSender>,
    ) -> Result<(), ConnectorError> {
        let SinkDelivery { mut sink, mut incoming, workers, index, mark } = self;
        let SinkProperties { delivery, shows_last, skips_empty, .. } = sink.properties();
        sink.open(&control.port_context(index)).await?;
        let mut committed = None;
        if let Some(report_to) = report_to {
            committed = sink.committed().await?;
            // One that has to connect first could not say it before.
            let mark = mark.map_or_else(|| sink.checkpoint_mark(), |mark| Ok(Some(mark)))?;
            // Nobody waits for it any more if the job is on its way down.
            let _ = report_to.send(SinkReport { committed, mark, skips_empty });
        }
        let mut is_marked = false;
        let board = control.sink_board(index);
        let mut gathering = Gathering { workers, batches: BTreeMap::new() };
        while let Some(part) = incoming.recv().await {
            board.part(part.worker, part.epoch);
            let Some(batch) = gathering.add(part) else { continue };
            let WholeBatch { epoch, time, is_due, is_ending, is_past, count, records } = batch;
            if !is_past && !control.released(epoch).await {
                return Ok(());
            }
            // An empty batch at the end goes only to a sink to which it means something.
            let takes_empty = shows_last || delivery == Delivery::Transactional;
            let is_due = is_due && (!is_ending || takes_empty || count > 0);
            // A sink does not get again what it has committed.
            if is_due && committed.is_none_or(|committed| time > committed) {
                let checkpoint = control.checkpoint();
                if let Some(checkpoint) = checkpoint.filter(|_| !std::mem::replace(&mut is_marked, true)) {
                    sink.mark_checkpoint(checkpoint).await?;
                }
                crash_point("before-commit");
                let writing = board.writes(count, control.clock());
                let span = tracing::trace_span!("write", batch = %time, records = count);
                sink.write(time, records).instrument(span).await?;
                writing.done(control.clock());
                crash_point("after-commit");
            }
            if !is_past {
                board.took(epoch);
                control.sink_acked(epoch, count as u64);
            }
        }
        // Workers leave, and drop their senders, only when all is delivered or the job is aborted.
        match control.is_aborted() {
            true => Ok(()),
            false => sink.close().await,
        }
    }
}

/// Batches of which not every worker has sent its part.
struct Gathering {
    workers: usize,
    batches: BTreeMap<Epoch, Vec<Part>>,
}

/// A batch with the parts of all workers.
struct WholeBatch {
    epoch: Epoch,
    time: BatchTime,
    is_due: bool,
    is_ending: bool,
    is_past: bool,
    count: usize,
    /// Of each worker.
    records: Vec<PartRecords>,
}

impl Gathering {
    /// Adds a part; returns its batch if that is whole now. A worker sends its parts in order, so the first batch to be
    /// whole is the oldest.
    fn add(&mut self, part: Part) -> Option<WholeBatch> {
        let epoch = part.epoch;
        let parts = self.batches.entry(epoch).or_default();
        parts.push(part);
        if parts.len() < self.workers {
            return None;
        }
        let mut parts = self.batches.remove(&epoch).expect("the last part was just added");
        parts.sort_by_key(|part| part.worker);
        let Part { time, is_due, is_ending, is_past, .. } = parts[0];
        let count = parts.iter().map(|part| part.count).sum();
        let records = parts.into_iter().map(|part| part.records).collect();
        Some(WholeBatch { epoch, time, is_due, is_ending, is_past, count, records })
    }
}
