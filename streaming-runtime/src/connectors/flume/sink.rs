//! A sink that sends to an agent.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    connect::{Batch, ConnectorError, PortContext, Retry, Sink},
    connectors::flume::{
        client::Client,
        event::{AsIs, Event, IntoEvent},
        frame::Framing,
    },
};

/// How many bytes of events one call takes before the next begins.
const CALL: usize = 1 << 20;

/// An agent's source as a sink: [`to_avro`](super::to_avro) or [`to_thrift`](super::to_thrift).
pub struct Remote<F = AsIs> {
    address: String,
    framing: Framing,
    retry: Retry,
    timeout: Duration,
    batch_size: usize,
    format: Arc<F>,
    client: Option<Client>,
}

impl<F> fmt::Debug for Remote<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Remote");
        shown.field("address", &self.address).field("framing", &self.framing);
        shown.field("retry", &self.retry).finish_non_exhaustive()
    }
}

impl Remote {
    pub(super) fn new(address: String, framing: Framing) -> Self {
        let (retry, timeout, format) = (Retry::default(), Duration::from_secs(20), Arc::new(AsIs));
        Remote { address, framing, retry, timeout, batch_size: 1000, format, client: None }
    }
}

impl<F> Remote<F> {
    /// How to make an event of a record, with its headers, for instance
    /// `.format(|(word, n): (String, i64)| Event::new(n.to_string()).header("word", word))`.
    pub fn format<T, E: Into<Event>, G: Fn(T) -> E + Send + Sync + 'static>(self, format: G) -> Remote<G> {
        let Remote { address, framing, retry, timeout, batch_size, client, .. } = self;
        Remote { address, framing, retry, timeout, batch_size, client, format: Arc::new(format) }
    }
    /// How often an agent that is away, or that does not take events, is tried again, and how long to wait in between.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
    /// How long connecting, and each call, may take: 20 s by default.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }
    /// How many events a call has at most: 1000 by default. The transactions of the agent's channel (`transactionCapacity`, 100 by
    /// default in memory) must be as large.
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch_size = events.max(1);
        self
    }

    /// Has the agent take `events`, as often tried as [`retry`](Remote::retry) says.
    async fn deliver(&mut self, events: &[Event]) -> Result<(), ConnectorError> {
        let mut backoff = self.retry.backoff();
        loop {
            let Err(error) = self.attempt(events).await else { return Ok(()) };
            // What an answer was not read of would be taken for the next one's.
            self.client = None;
            let error =
                ConnectorError::io(format!("send events to the agent of Flume at {}", self.address), error);
            tokio::time::sleep(backoff.after(error)?).await;
        }
    }

    async fn attempt(&mut self, events: &[Event]) -> std::io::Result<()> {
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(Client::connect(&self.address, self.framing, self.timeout).await?),
        };
        match events {
            [] => Ok(()),
            events => client.append(events).await,
        }
    }
}

fn size(event: &Event) -> usize {
    event.body.len() + event.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

impl<T: Send + 'static, F: IntoEvent<T>> Sink<T> for Remote<F> {
    const MAY_BLOCK: bool = false;

    async fn open(&mut self, _: &PortContext) -> Result<(), ConnectorError> {
        self.deliver(&[]).await
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        for record in batch.records {
            let event = self.format.event(record);
            bytes += size(&event);
            events.push(event);
            if events.len() == self.batch_size || bytes >= CALL {
                self.deliver(&events).await?;
                (events, bytes) = (Vec::new(), 0);
            }
        }
        match events.is_empty() {
            true => Ok(()),
            false => self.deliver(&events).await,
        }
    }
}
