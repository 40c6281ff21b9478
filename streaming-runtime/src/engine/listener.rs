//! What a job tells those who watch it.

use std::time::Duration;

use super::JobError;
use crate::time::BatchTime;

/// One batch, from closed to delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchInfo {
    /// When the batch closed by its clock; its name.
    pub time: BatchTime,
    /// Records taken in, by source port in the order of the header.
    pub records: Vec<(&'static str, u64)>,
    /// From the batch's time until it could be closed: grows when the job falls behind.
    pub scheduling_delay: Duration,
    /// From closing the batch until every sink had taken it.
    pub processing_delay: Duration,
}

/// Told of a job's life. Called on the job's own task: return quickly, never block.
///
/// ```
/// use streaming_runtime::{BatchInfo, Listener};
///
/// struct Slow;
/// impl Listener for Slow {
///     fn batch_completed(&self, batch: &BatchInfo) {
///         if batch.processing_delay.as_secs() > 1 {
///             eprintln!("batch {} took {:?}", batch.time, batch.processing_delay);
///         }
///     }
/// }
/// ```
pub trait Listener: Send + Sync + 'static {
    /// The workers run and the sources were started: in a [`Cluster`](crate::Cluster), all processes are there.
    fn started(&self) {}
    /// Every sink has taken the batch.
    fn batch_completed(&self, _batch: &BatchInfo) {}
    /// The job has ended; nothing is called after this.
    fn ended(&self, _result: &Result<(), JobError>) {}
}
