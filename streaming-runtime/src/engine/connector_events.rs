//! The tasks of connectors, and the events that listeners hear of them.

use std::{future::poll_fn, panic::AssertUnwindSafe, pin::pin, sync::Arc};

use futures::FutureExt;
use tracing::Instrument;

use crate::{
    contract::error::ConnectorError,
    error::JobError,
    observe::{
        listener::Listeners,
        metrics::{Board, Polls},
    },
    panic_origin,
};

/// The future of a source, which tells when it starts and how it ends.
pub(crate) async fn watched_source(
    index: usize,
    board: Arc<Board>,
    listeners: Arc<Listeners>,
    task: impl Future<Output = Result<(), ConnectorError>>,
) -> Result<(), ConnectorError> {
    /// Also when the task is dropped, as the engine does with sources when a job stops.
    struct TaskEnd(usize, Arc<Board>, Arc<Listeners>, Option<JobError>);
    impl Drop for TaskEnd {
        fn drop(&mut self) {
            let TaskEnd(index, board, listeners, error) = self;
            let source = &board.sources[*index];
            source.set_ended();
            source.answered();
            match error {
                Some(error) => listeners.tell(|listener| listener.source_failed(source.port, error)),
                None => listeners.tell(|listener| listener.source_ended(source.port)),
            }
        }
    }
    let port = board.sources[index].port;
    let span = tracing::debug_span!("source", job = &*board.job, port);
    listeners.tell(|listener| listener.source_started(port));
    let mut end = TaskEnd(index, board, listeners, None);
    // The supervisor reports a panic; here it is only seen on its way.
    let board = end.1.clone();
    let task = polled(&board.sources[index].polls, task);
    let result = AssertUnwindSafe(task).catch_unwind().instrument(span).await;
    end.3 = failure(port, &result, |port, source| JobError::Source { port, source });
    drop(end);
    result.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// The future of a sink, which tells how it fails.
pub(crate) async fn watched_sink(
    index: usize,
    board: Arc<Board>,
    listeners: Arc<Listeners>,
    task: impl Future<Output = Result<(), ConnectorError>>,
) -> Result<(), ConnectorError> {
    let port = board.sinks[index].port;
    let span = tracing::debug_span!("sink", job = &*board.job, port);
    let task = polled(&board.sinks[index].polls, task);
    let result = AssertUnwindSafe(task).catch_unwind().instrument(span).await;
    if let Some(error) = failure(port, &result, |port, source| JobError::Sink { port, source }) {
        listeners.tell(|listener| listener.sink_failed(port, &error));
    }
    result.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// The task, each of whose polls is seen.
async fn polled<T>(polls: &Polls, task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    poll_fn(|context| polls.poll(|| task.as_mut().poll(context))).await
}

fn failure(
    port: &'static str,
    result: &std::thread::Result<Result<(), ConnectorError>>,
    wrap: impl FnOnce(&'static str, ConnectorError) -> JobError,
) -> Option<JobError> {
    match result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(wrap(port, error.clone())),
        Err(payload) => {
            Some(JobError::ConnectorPanicked { port, message: panic_origin::message(&**payload) })
        }
    }
}
