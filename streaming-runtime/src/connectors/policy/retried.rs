//! A sink whose failed batches are written again.

use std::marker::PhantomData;

use tokio::time::sleep;

use crate::{
    connectors::policy::Retries,
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        port_context::PortContext,
        properties::SinkProperties,
        retry::Retry,
        sink::{Batch, Sink},
        target::Target,
    },
    time::BatchTime,
};

/// See [`retry`](super::SinkPolicies::retry).
#[derive(Debug)]
pub struct Retried<S, T> {
    pub(super) sink: S,
    pub(super) retry: Retry,
    pub(super) retries: Retries,
    pub(super) types: PhantomData<fn(T)>,
}

impl<S, T> Retried<S, T> {
    /// Counts how often a batch was written again, also while the job runs.
    pub fn retries(&self) -> Retries {
        self.retries.clone()
    }
}

impl<T: Clone + Send + 'static, S: Sink<T>> Sink<T> for Retried<S, T> {
    const DELIVERY: Delivery = S::DELIVERY;
    const MAY_BLOCK: bool = S::MAY_BLOCK;
    const REBUILDS: bool = S::REBUILDS;

    fn properties(&self) -> SinkProperties {
        SinkProperties { shows_last: Self::SHOWS_LAST, ..self.sink.properties() }
    }

    async fn open(&mut self, context: &PortContext) -> Result<(), ConnectorError> {
        self.sink.open(context).await
    }

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.sink.committed().await
    }

    fn targets(&self) -> Vec<Target> {
        self.sink.targets()
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.sink.checkpoint_mark()
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.sink.mark_checkpoint(checkpoint).await
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let mut backoff = self.retry.backoff();
        while let Err(error) = self.sink.write(batch.clone()).await {
            let wait = backoff.after(error.clone())?;
            self.retries.add(&error);
            sleep(wait).await;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), ConnectorError> {
        self.sink.close().await
    }
}
