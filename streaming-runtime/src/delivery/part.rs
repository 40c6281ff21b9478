//! What workers hand to a sink task.

use std::any::Any;

use tokio::sync::mpsc;

use crate::{ids::Epoch, time::BatchTime};

/// What one worker has for one sink from one batch. Every worker sends one part per batch and sink, empty or not.
///
/// It does not know the type of its records: channels and tasks of sinks are compiled once, and not once a type.
pub(crate) struct Part {
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
    /// How many records there are.
    pub(crate) count: usize,
    /// A `Vec` of the records of the sink.
    pub(crate) records: PartRecords,
}

/// A `Vec` of records, whatever their type.
pub(crate) type PartRecords = Box<dyn Any + Send>;

/// The channel from the workers to a sink task. Bounded by the batches in flight: the engine closes no further batch
/// before older ones are delivered.
pub(crate) type PartSender = mpsc::UnboundedSender<Part>;
