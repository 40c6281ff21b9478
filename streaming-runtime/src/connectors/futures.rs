//! Any [`futures::Stream`] as a source, any [`futures::Sink`] as a sink.

use std::{error::Error, pin::Pin};

use futures::{SinkExt, Stream, StreamExt};

use crate::{
    contract::{
        error::ConnectorError,
        sink::{Batch, Sink},
        source::Source,
    },
    intake::source_context::SourceContext,
};

/// What is taken from a stream in one go.
const CHUNK: usize = 1024;

type Boxed = Box<dyn Error + Send + Sync>;

/// A source of the items of `stream`; it ends with the stream.
///
/// Items that are ready together travel together, 1,024 at most; none waits for another. This source never fails. If items are
/// `Result`s, [`try_map`](crate::Stream::try_map) separates the errors: `items.try_map(|item| item)`.
///
/// # After a crash
/// What was under way is lost. [`durable`](crate::connect::durable()) keeps what came into the job.
///
/// ```
/// use streaming_runtime::connect::from_stream;
///
/// let source = from_stream(futures::stream::iter(0..10));
/// # let _ = source;
/// ```
pub fn from_stream<S>(stream: S) -> FromStream<S>
where
    S: Stream<Item: Send> + Send + 'static,
{
    FromStream { stream, chunk: CHUNK }
}

/// A source of the `Ok` items of `stream`. The first `Err` ends the job. After a crash as [`from_stream`].
///
/// ```
/// use streaming_runtime::connect::try_from_stream;
///
/// let source = try_from_stream(futures::stream::iter([Ok(1), Err("the sensor is gone")]));
/// # let _ = source;
/// ```
///
/// # Errors
/// [`ConnectorError::Other`] with the stream's error, after the items before it.
pub fn try_from_stream<S, T, E>(stream: S) -> TryFromStream<S>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    T: Send,
    E: Into<Boxed> + Send,
{
    TryFromStream { stream, chunk: CHUNK }
}

/// A sink that sends every record of a batch to `sink` and then flushes it. When the flush returns, the batch counts as delivered.
/// At the end of the job it is closed. After a crash the last batches may come again.
///
/// ```
/// use streaming_runtime::connect::into_sink;
///
/// let sink = into_sink(futures::sink::drain::<u64>());
/// # let _ = sink;
/// ```
///
/// # Errors
/// [`ConnectorError::Other`] with the sink's error. It ends the job unless [a policy](crate::connect::SinkPolicies)
/// says otherwise. Many sinks take nothing more after an error, so trying again is often of no use.
pub fn into_sink<K: Send + 'static>(sink: K) -> IntoSink<K> {
    IntoSink { sink: Box::pin(sink) }
}

/// See [`from_stream`].
#[derive(Debug)]
pub struct FromStream<S> {
    stream: S,
    chunk: usize,
}

impl<S> FromStream<S> {
    /// How many items travel together at most: 1,024 by default, at least 1.
    pub fn chunk(mut self, items: usize) -> Self {
        self.chunk = items.max(1);
        self
    }
}

impl<S: Stream<Item: Send> + Send + 'static> Source<S::Item> for FromStream<S> {
    async fn run(self, mut out: SourceContext<S::Item>) -> Result<(), ConnectorError> {
        let mut chunks = std::pin::pin!(self.stream.ready_chunks(self.chunk));
        while let Some(records) = chunks.next().await {
            out.send_all(records).await?;
        }
        Ok(())
    }
}

/// See [`try_from_stream`].
#[derive(Debug)]
pub struct TryFromStream<S> {
    stream: S,
    chunk: usize,
}

impl<S> TryFromStream<S> {
    /// How many items travel together at most: 1,024 by default, at least 1.
    pub fn chunk(mut self, items: usize) -> Self {
        self.chunk = items.max(1);
        self
    }
}

impl<S, T, E> Source<T> for TryFromStream<S>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    T: Send,
    E: Into<Boxed> + Send,
{
    async fn run(self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        let mut chunks = std::pin::pin!(self.stream.ready_chunks(self.chunk));
        while let Some(items) = chunks.next().await {
            let (records, failure) = until_error(items);
            out.send_all(records).await?;
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }
}

fn until_error<T, E: Into<Boxed>>(items: Vec<Result<T, E>>) -> (Vec<T>, Option<ConnectorError>) {
    let mut records = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Ok(record) => records.push(record),
            Err(error) => return (records, Some(ConnectorError::other(error))),
        }
    }
    (records, None)
}

/// See [`into_sink`].
#[derive(Debug)]
pub struct IntoSink<K> {
    sink: Pin<Box<K>>,
}

impl<T, K> Sink<T> for IntoSink<K>
where
    T: Send,
    K: futures::Sink<T, Error: Into<Boxed>> + Send + 'static,
{
    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        for record in batch.records {
            self.sink.feed(record).await.map_err(ConnectorError::other)?;
        }
        self.sink.flush().await.map_err(ConnectorError::other)
    }

    async fn close(&mut self) -> Result<(), ConnectorError> {
        SinkExt::<T>::close(&mut self.sink).await.map_err(ConnectorError::other)
    }
}

#[cfg(test)]
mod tests {
    use futures::{channel::mpsc, stream};

    use super::*;
    use crate::{contract::testing, time::BatchTime};

    #[tokio::test]
    async fn items_in_order_then_the_end() {
        let (records, ended) = testing::run(from_stream(stream::iter(0..5000)).chunk(7)).finish().await;
        assert_eq!(records, (0..5000).collect::<Vec<_>>());
        ended.expect("a clean end");
    }

    #[tokio::test]
    async fn an_item_does_not_wait_for_the_next() {
        let (mut items, stream) = mpsc::channel(8);
        let mut running = testing::run(from_stream(stream));
        for n in 0..10 {
            items.send(n).await.expect("the source runs");
            assert_eq!(running.take(1).await, [n]);
        }
    }

    #[tokio::test]
    async fn an_error_ends_it_after_what_came_before() {
        let source = try_from_stream(stream::iter([Ok(1), Ok(2), Err("gone"), Ok(3)]));
        let (records, ended) = testing::run(source).finish().await;
        assert_eq!(records, [1, 2]);
        assert_eq!(ended.expect_err("gone").to_string(), "gone");
    }

    #[tokio::test]
    async fn a_sink_gets_records_and_its_failure_is_ours() {
        let (items, mut stream) = mpsc::channel(8);
        let mut sink = into_sink(items);
        let batch = |records| Batch { time: BatchTime::from_millis(1), records };
        sink.write(batch(vec![1, 2])).await.expect("room");
        assert_eq!((stream.next().await, stream.next().await), (Some(1), Some(2)));
        Sink::<i32>::close(&mut sink).await.expect("closed");
        assert_eq!(stream.next().await, None);
        assert_eq!(sink.write(batch(vec![3])).await.expect_err("closed").code(), "connector.other");
    }
}
