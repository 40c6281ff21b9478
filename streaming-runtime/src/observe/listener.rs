//! The events that a job reports to listeners.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::runtime::Handle;

use crate::{
    error::JobError,
    observe::{metrics::Board, monitor::Monitor},
    panic_origin,
    time::BatchTime,
};

/// One batch, from closed to delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchInfo {
    /// The job's name.
    pub job: Arc<str>,
    /// When the batch closed by its clock; its name.
    pub time: BatchTime,
    /// Records taken in, by source port in the order of the header.
    pub records: Vec<(&'static str, u64)>,
    /// From the batch's time until it could be closed: grows when the job falls behind.
    pub scheduling_delay: Duration,
    /// From closing the batch until every sink had taken it; zero before.
    pub processing_delay: Duration,
}

/// Is called when batches, connectors and jobs begin, end and fail. Calls come from the job's own tasks and threads, in the context of
/// the service's runtime, possibly several at once: return quickly, and never block.
///
/// A panic of a listener is logged and counted ([`JobMetrics::listener_panics`](crate::metrics::JobMetrics)); the job goes on.
/// A listener of several jobs distinguishes them by the [`Monitor`]s that it is given, or by [`BatchInfo::job`].
///
/// | Spark's `StreamingListener` | here |
/// |---|---|
/// | onStreamingStarted | `started` |
/// | onReceiverStarted, Error, Stopped | `source_started`, `source_failed`, `source_ended` |
/// | onBatchSubmitted, onBatchStarted | `batch_started`: a batch that is closed is worked on at once |
/// | onBatchCompleted, onOutputOperationCompleted | `batch_completed` |
/// | an output operation's failure | `sink_failed` |
///
/// ```
/// use streaming_runtime::{BatchInfo, Listener};
///
/// struct Slow;
/// impl Listener for Slow {
///     fn batch_completed(&self, batch: &BatchInfo) {
///         if batch.processing_delay.as_secs() > 1 {
///             eprintln!("batch {} of {} took {:?}", batch.time, batch.job, batch.processing_delay);
///         }
///     }
/// }
/// ```
pub trait Listener: Send + Sync + 'static {
    /// A job begins, before all else; `job` can be asked at any time from now on.
    fn attached(&self, _job: &Monitor) {}
    /// The workers run and the sources were started: in a [`Cluster`](crate::cluster::Cluster), all processes are there.
    fn started(&self) {}
    /// The source of this port begins.
    fn source_started(&self, _port: &'static str) {}
    /// The source of this port has ended by itself, or was stopped.
    fn source_ended(&self, _port: &'static str) {}
    /// The source of this port could not go on. The job will end.
    fn source_failed(&self, _port: &'static str, _error: &JobError) {}
    /// The batch is closed, and every worker has taken in its records.
    fn batch_started(&self, _batch: &BatchInfo) {}
    /// Every sink has taken the batch.
    fn batch_completed(&self, _batch: &BatchInfo) {}
    /// The sink of this port could not take a batch. The job will end.
    fn sink_failed(&self, _port: &'static str, _error: &JobError) {}
    /// The job has ended; nothing is called after this.
    fn ended(&self, _result: &Result<(), JobError>) {}
}

/// The listeners of a job. Their panics are caught.
pub(crate) struct Listeners {
    all: Vec<Arc<dyn Listener>>,
    board: Arc<Board>,
    runtime: Handle,
}

impl Listeners {
    pub(crate) fn new(all: Vec<Arc<dyn Listener>>, board: Arc<Board>, runtime: Handle) -> Self {
        Listeners { all, board, runtime }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Calls `tell` with each.
    pub(crate) fn tell(&self, tell: impl Fn(&dyn Listener)) {
        if self.all.is_empty() {
            return;
        }
        // Wherever it is called from, what it spawns is the service's.
        let _service = self.runtime.enter();
        for listener in &self.all {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| tell(&**listener))) {
                self.board.listener_panics.fetch_add(1, Relaxed);
                tracing::error!(
                    job = &*self.board.job,
                    message = panic_origin::message(&*payload),
                    "a listener panicked"
                );
            }
        }
    }
}
