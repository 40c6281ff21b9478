//! A sink with a time limit.

use std::{marker::PhantomData, time::Duration};

use tokio::time::timeout;

use crate::{
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        port_context::PortContext,
        properties::SinkProperties,
        sink::{Batch, Sink},
        target::Target,
    },
    time::BatchTime,
};

/// See [`timeout`](super::SinkPolicies::timeout).
#[derive(Debug)]
pub struct Timed<S, T> {
    pub(super) sink: S,
    pub(super) limit: Duration,
    pub(super) types: PhantomData<fn(T)>,
}

impl<T: Send + 'static, S: Sink<T>> Sink<T> for Timed<S, T> {
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
        let late = ConnectorError::TimedOut { limit: self.limit };
        timeout(self.limit, self.sink.write(batch)).await.unwrap_or(Err(late))
    }

    async fn close(&mut self) -> Result<(), ConnectorError> {
        let late = ConnectorError::TimedOut { limit: self.limit };
        timeout(self.limit, self.sink.close()).await.unwrap_or(Err(late))
    }
}
