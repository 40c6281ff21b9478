//! Batches that a sink refuses go to another sink.

use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::contract::{
    checkpoint_mark::{CheckpointId, CheckpointMark},
    error::ConnectorError,
    port_context::PortContext,
    properties::SinkProperties,
    sink::{Batch, Sink},
    target::Target,
};

/// See [`or_dead_letter`](super::SinkPolicies::or_dead_letter).
#[derive(Debug)]
pub struct OrDeadLetter<S, D, T> {
    pub(super) sink: S,
    pub(super) other: D,
    pub(super) counts: DeadLetters,
    pub(super) types: PhantomData<fn(T)>,
}

impl<S, D, T> OrDeadLetter<S, D, T> {
    /// Counts what was refused, also while the job runs.
    pub fn dead_letters(&self) -> DeadLetters {
        self.counts.clone()
    }
}

/// How much went to the other sink. Clones share the counts; read them at any time.
#[derive(Clone, Debug, Default)]
pub struct DeadLetters(Arc<DeadLetterCounters>);

#[derive(Debug, Default)]
struct DeadLetterCounters {
    batches: AtomicU64,
    records: AtomicU64,
}

impl DeadLetters {
    /// Batches that the other sink has taken.
    pub fn batches(&self) -> u64 {
        self.0.batches.load(Ordering::Relaxed)
    }
    /// Their records.
    pub fn records(&self) -> u64 {
        self.0.records.load(Ordering::Relaxed)
    }
}

impl<T: Clone + Send + 'static, S: Sink<T>, D: Sink<T>> Sink<T> for OrDeadLetter<S, D, T> {
    const MAY_BLOCK: bool = S::MAY_BLOCK || D::MAY_BLOCK;

    fn properties(&self) -> SinkProperties {
        let may_block = self.sink.properties().may_block || self.other.properties().may_block;
        SinkProperties { may_block, ..SinkProperties::of::<T, Self>() }
    }

    fn targets(&self) -> Vec<Target> {
        [self.sink.targets(), self.other.targets()].concat()
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.sink.checkpoint_mark()
    }

    async fn open(&mut self, context: &PortContext) -> Result<(), ConnectorError> {
        self.sink.open(context).await?;
        self.other.open(context).await
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.sink.mark_checkpoint(checkpoint).await
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let Err(error) = self.sink.write(batch.clone()).await else { return Ok(()) };
        let (time, records) = (batch.time, batch.records.len());
        tracing::warn!(%time, records, code = error.code(), %error, "a batch was refused and goes elsewhere");
        self.other.write(batch).await?;
        self.counts.0.batches.fetch_add(1, Ordering::Relaxed);
        self.counts.0.records.fetch_add(records as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Closes both, the second also when the first fails.
    async fn close(&mut self) -> Result<(), ConnectorError> {
        let closed = self.sink.close().await;
        self.other.close().await?;
        closed
    }
}
