//! How a job ends badly, and why it cannot start.

pub(crate) mod cluster;

use std::{any::Any, io, sync::Arc, time::Duration};

use crate::{
    build_error::BuildError,
    checkpoint::CheckpointError,
    contract::error::ConnectorError,
    error::cluster::ClusterError,
    formats::FormatFailed,
    ids::OpId,
    panic_origin::{self, PanicOrigin, Why},
    sentence::debug_as_sentence,
    time::BatchTime,
};

/// Why a job could not be started.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no tokio runtime here, and connectors run on tokio.
    #[error(
        "a job is started inside a tokio runtime: call `start` from async code or under `Runtime::enter`"
    )]
    NoRuntime,
    /// A setting that cannot work.
    #[error("{0}")]
    Config(String),
    /// The thread that speaks with the other processes of a [`Cluster`](crate::cluster::Cluster) could not be made.
    #[error("starting the thread of the cluster: {0}")]
    Cluster(#[source] io::Error),
    /// Exactly-once was asked for, and a connector cannot guarantee it.
    #[error("exactly once: `{port}`: this {what}")]
    Delivery {
        /// The port's name.
        port: String,
        /// Why it cannot, and what to do instead.
        what: String,
    },
    /// The body of the pipeline makes no dataflow.
    #[error(transparent)]
    Build(BuildError),
    /// A sink would write to a target that something else uses.
    #[error("sink `{port}`: {what}")]
    Target {
        /// The port's name.
        port: String,
        /// The target, who uses it, and what to do instead.
        what: String,
    },
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The thread that supervises the job could not be made.
    #[error("starting the thread of the job: {0}")]
    Supervisor(#[source] io::Error),
    /// The thread of a connector whose code may block could not be made.
    #[error("starting the thread of the connector of port `{port}`: {source}")]
    Connector {
        /// The port's name.
        port: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A worker's thread could not be made.
    #[error("starting the thread of worker {worker}: {source}")]
    Thread {
        /// The worker's index, from 0.
        worker: usize,
        /// The system's answer.
        source: io::Error,
    },
}

debug_as_sentence!(StartError, JobError);

impl StartError {
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            StartError::NoRuntime => "start.no_runtime",
            StartError::Config(_) => "start.config",
            StartError::Cluster(_) => "start.cluster",
            StartError::Delivery { .. } => "start.delivery",
            StartError::Build(error) => error.code(),
            StartError::Target { .. } => "start.target",
            StartError::Checkpoint(error) => error.code(),
            StartError::Supervisor(_) => "start.supervisor",
            StartError::Connector { .. } => "start.connector",
            StartError::Thread { .. } => "start.thread",
        }
    }
}

/// Why a job failed.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A closure of the pipeline panicked. The service and its other jobs are unharmed.
    #[error("operator `{operator}` panicked: {message}")]
    OperatorPanicked {
        /// The operator's id, as in the pipeline's `OPERATORS`; for the code between operators, words that say so.
        operator: String,
        /// The panic's message.
        message: String,
    },
    /// A record arrived at a [`fail`](crate::Stream::fail) of the pipeline.
    #[error("operator `{operator}`: {message}")]
    RecordFailed {
        /// The operator's id, as in the pipeline's `OPERATORS`.
        operator: &'static str,
        /// The record as text.
        message: String,
    },
    /// The [format](crate::formats) of a `decode` or an `encode` cannot work, whatever the record: its settings are wrong, or what it needs,
    /// such as a schema, is not to be had.
    #[error("operator `{operator}`: {source}")]
    Format {
        /// The operator's id, as in the pipeline's `OPERATORS`.
        operator: &'static str,
        /// What happened.
        source: ConnectorError,
    },
    /// A loop still changed after its limit of rounds or of time.
    #[error(
        "loop `{operator}` still changes after {rounds} rounds and {elapsed:?}: see that it converges, \
         or allow more with `iterate_at_most`"
    )]
    LoopWithoutEnd {
        /// The loop's id, as in the pipeline's `OPERATORS`.
        operator: &'static str,
        /// The rounds that it had taken for one batch.
        rounds: u64,
        /// The time that it had taken for one batch.
        elapsed: Duration,
    },
    /// There are more copies of a record than can be counted, or written out one by one.
    #[error(
        "operator `{operator}`: a record is there more than {most} times: something multiplies copies, \
         as a `union` of a stream with itself does in a loop; `.distinct()` keeps each record once"
    )]
    TooManyCopies {
        /// The operator's id, as in the pipeline's `OPERATORS`; of the loop, where one multiplies them.
        operator: &'static str,
        /// The number that it exceeds.
        most: i64,
    },
    /// A closure returned something else when an earlier result was taken back, so state would be wrong from here on.
    #[error(
        "operator `{operator}`: a `{what}` was taken back that was never there: a closure before this operator \
         answers otherwise when it is called again with the same record. What is kept up to date is taken back by \
         calling it again: move what is random, counts calls or looks at the clock before the window or the state"
    )]
    NotDeterministic {
        /// The id of the operator that noticed it, as in the pipeline's `OPERATORS`: the closure is its own or before it.
        operator: &'static str,
        /// The type of what was taken back.
        what: &'static str,
    },
    /// A key is not equal to itself, for instance a NaN under an `Eq` that compares floats. It would never be found again.
    #[error(
        "operator `{operator}`: a key of type `{what}` is not equal to itself, so nothing can be brought together by it: \
         its `PartialEq` must say that a value equals itself, as one that compares the bits of a float does"
    )]
    KeyNotItself {
        /// The operator's id, as in the pipeline's `OPERATORS`.
        operator: &'static str,
        /// The key's type.
        what: &'static str,
    },
    /// A source failed.
    #[error("source `{port}`: {source}")]
    Source {
        /// The port's name.
        port: &'static str,
        /// What happened.
        source: ConnectorError,
    },
    /// A sink could not take a batch.
    #[error("sink `{port}`: {source}")]
    Sink {
        /// The port's name.
        port: &'static str,
        /// What happened.
        source: ConnectorError,
    },
    /// A connector's own code panicked.
    #[error("connector of port `{port}` panicked: {message}")]
    ConnectorPanicked {
        /// The port's name.
        port: &'static str,
        /// The panic's message.
        message: String,
    },
    /// A graceful stop took longer than its limit, so the job was aborted.
    #[error(
        "the job did not stop within {limit:?} and was aborted; its last batches may be missing{}{}",
        if held_up_by.is_empty() { "" } else { ". It was held up by " },
        held_up_by.join("; ")
    )]
    StopTimedOut {
        /// The limit.
        limit: Duration,
        /// What has not returned: a connector that blocks its thread, a call to the checkpoint's storage.
        held_up_by: Vec<String>,
    },
    /// Another process of the job died, failed, was aborted or is silent.
    #[error("process {index} ({address}): {message}")]
    Peer {
        /// Its index in the [`Cluster`](crate::cluster::Cluster).
        index: usize,
        /// Its address there.
        address: String,
        /// What happened to it, in its own words if it could report.
        message: String,
    },
    /// The body of the pipeline makes no dataflow. Only in a [`Cluster`](crate::cluster::Cluster), whose workers build their dataflows when all
    /// processes are there; other jobs do not start.
    #[error(transparent)]
    Build(BuildError),
    /// The processes of the job did not come together.
    #[error("the processes of the job did not come together: {0}")]
    Cluster(#[source] ClusterError),
    /// The checkpoint cannot be used, or can no longer be written. What was durable stays durable.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// A source that replays sent fewer or more records than before.
    #[error(
        "source `{port}`: the batch at {batch} runs again after a crash, and {again} records came where {records} had come before; \
         the source must send the same from the same position, or be wrapped in `durable(..)`"
    )]
    Replay {
        /// The port's name.
        port: &'static str,
        /// The batch.
        batch: BatchTime,
        /// How many records it had of this source.
        records: u64,
        /// How many came again.
        again: u64,
    },
    /// The job was aborted.
    #[error("the job was aborted")]
    Aborted,
    /// The [`LocalWorker`](super::LocalWorker) of the job was dropped before the job had ended.
    #[error("the job's local worker was dropped; it must be polled until the job has ended")]
    WorkerDropped,
    /// The tokio runtime that the job was started in has shut down.
    #[error("the tokio runtime of the job was shut down")]
    RuntimeGone,
}

impl JobError {
    /// What a worker's unwinding means.
    pub(crate) fn unwound(payload: Box<dyn Any + Send>) -> Self {
        // Taken in each case: the thread may run other jobs after this one.
        let blamed = panic_origin::take();
        let payload = match payload.downcast::<CheckpointError>() {
            Ok(error) => return JobError::Checkpoint(*error),
            Err(payload) => payload,
        };
        let payload = match payload.downcast::<FormatFailed>() {
            Ok(failed) => {
                let FormatFailed { operator: OpId(operator), source } = *failed;
                return JobError::Format { operator, source };
            }
            Err(payload) => payload,
        };
        match payload.downcast::<PanicOrigin>() {
            Ok(failed) => {
                let PanicOrigin { operator, why } = *failed;
                let OpId(operator) = operator.or(blamed).expect("what fails runs in an operator");
                match why {
                    Why::Record(message) => JobError::RecordFailed { operator, message },
                    Why::TooManyCopies { most } => JobError::TooManyCopies { operator, most },
                    Why::Endless { rounds, elapsed } => {
                        JobError::LoopWithoutEnd { operator, rounds, elapsed }
                    }
                    Why::NeverSaid { what } => JobError::NotDeterministic { operator, what },
                    Why::NotItself { what } => JobError::KeyNotItself { operator, what },
                }
            }
            Err(panic) => JobError::OperatorPanicked {
                operator: blamed.map_or(panic_origin::BODY, |id| id.0).to_owned(),
                message: panic_origin::message(&*panic),
            },
        }
    }

    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            JobError::OperatorPanicked { .. } => "job.operator_panicked",
            JobError::RecordFailed { .. } => "job.record_failed",
            JobError::Format { .. } => "job.format",
            JobError::LoopWithoutEnd { .. } => "job.loop_without_end",
            JobError::TooManyCopies { .. } => "job.too_many_copies",
            JobError::NotDeterministic { .. } => "job.not_deterministic",
            JobError::KeyNotItself { .. } => "job.key_not_itself",
            JobError::Source { .. } => "job.source",
            JobError::Sink { .. } => "job.sink",
            JobError::ConnectorPanicked { .. } => "job.connector_panicked",
            JobError::StopTimedOut { .. } => "job.stop_timed_out",
            JobError::Peer { .. } => "job.peer",
            JobError::Build(error) => error.code(),
            JobError::Cluster(error) => error.code(),
            JobError::Checkpoint(error) => error.code(),
            JobError::Replay { .. } => "job.replay",
            JobError::Aborted => "job.aborted",
            JobError::WorkerDropped => "job.worker_dropped",
            JobError::RuntimeGone => "job.runtime_gone",
        }
    }

    /// That the process `index` of those at `hosts` is why.
    pub(crate) fn peer(hosts: &[String], index: usize, message: String) -> Self {
        let address = hosts.get(index).map_or("an unknown address", String::as_str).to_owned();
        JobError::Peer { index, address, message }
    }
}

/// What ended a task of the job, boxed once so that it can be given to everyone who waits.
pub(crate) type Outcome = Arc<Result<(), JobError>>;
