//! What workers hand to a sink task.

use tokio::sync::mpsc;

use crate::{ids::Epoch, time::BatchTime};

/// What one worker has for one sink from one batch. Every worker sends one part per batch and sink, empty or not.
pub(crate) struct Part<T> {
    /// The worker's index in this process.
    pub(crate) worker: usize,
    pub(crate) epoch: Epoch,
    pub(crate) time: BatchTime,
    /// Whether the sink gets this batch: a window is delivered at its slides.
    pub(crate) is_due: bool,
    /// Whether the batch belongs to the end of the job; the sink then gets it only if it has records.
    pub(crate) is_ending: bool,
    /// Whether it holds the contents from before this start of the job.
    pub(crate) is_past: bool,
    pub(crate) records: Vec<T>,
}

/// The channel from the workers to a sink task. Bounded by the batches in flight: the engine closes no further batch
/// before older ones are delivered.
pub(crate) type PartSender<T> = mpsc::UnboundedSender<Part<T>>;
