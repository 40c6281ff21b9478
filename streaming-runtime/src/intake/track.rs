//! Where the records of a source are counted and logged.

use std::sync::Arc;

use crate::intake::progress::SourceProgress;

/// Where the records of a source are counted, and written to the log if the job logs them.
pub(crate) struct SourceTrack<T> {
    pub(crate) progress: Arc<SourceProgress>,
    pub(crate) input_writer: Option<InputWriter<T>>,
}

/// Writes records to the log, under the number of the first of them.
pub(crate) type InputWriter<T> = Arc<dyn Fn(u64, &[T]) + Send + Sync>;

impl<T> Clone for SourceTrack<T> {
    fn clone(&self) -> Self {
        SourceTrack { progress: self.progress.clone(), input_writer: self.input_writer.clone() }
    }
}
