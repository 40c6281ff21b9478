//! The writer: one thread that appends what is complete, in order, with one sync for all that waits.

use super::{CheckpointError, Mark, Place, Program};
use crate::stream::Epoch;

/// Sizes, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The least size at which a log is closed and compacted; larger if the base is.
    pub segment: u64,
    /// The size of the frames of a base.
    pub frame: usize,
    /// How much is gathered before it is appended.
    pub group: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { segment: 64 << 10, frame: 1 << 20, group: 1 << 20 }
    }
}

/// What a crash cannot take any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Durable {
    /// All batches up to this.
    pub epoch: Option<Epoch>,
    /// Of each source that logs its input, how many records, in the order of [`Program::sources`].
    pub inputs: Vec<u64>,
}

/// A handle on the writer. Clones are the same writer.
#[derive(Clone, Debug)]
pub(crate) struct Log {}

impl Log {
    /// Opens a new log behind what is in the place, and starts the thread. Batches that are there already are not
    /// written again, but count as durable.
    ///
    /// `on_error` is called at most once; nothing is written after. `on_durable` is called on the writer's thread each
    /// time that more is durable.
    pub(crate) fn start(
        place: Place,
        program: Program,
        settings: Settings,
        workers_with_state: usize,
        on_error: Box<dyn FnOnce(CheckpointError) + Send>,
        on_durable: Box<dyn Fn(Durable) + Send>,
    ) -> Result<Log, CheckpointError> {
        todo!()
    }

    /// The batch is closed. Input that was logged for it was given to [`input`](Log::input) before.
    pub(crate) fn mark(&self, mark: Mark) {
        todo!()
    }

    /// What a worker says of a batch, from [`PartWriter::take`](super::PartWriter::take).
    pub(crate) fn part(&self, epoch: Epoch, worker: u32, bytes: Vec<u8>) {
        todo!()
    }

    /// Input of a source that cannot replay: `count` records, the first of which has the number `first`.
    pub(crate) fn input(&self, port: u32, first: u64, count: u64, bytes: Vec<u8>) {
        todo!()
    }

    /// All sinks have the batch, and those before it.
    pub(crate) fn delivered(&self, epoch: Epoch) {
        todo!()
    }

    /// What is durable; closed when the writer has ended.
    pub(crate) fn durable(&self) -> tokio::sync::watch::Receiver<Durable> {
        todo!()
    }

    /// Writes what waits and is complete, and what was delivered, syncs, and waits for the thread.
    pub(crate) fn close(&self) -> Result<(), CheckpointError> {
        todo!()
    }
}
