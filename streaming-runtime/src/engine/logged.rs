//! The job's log as the engine uses it: by the numbers that batches have in this run.

use tokio::sync::watch;

use crate::{
    checkpoint::{Durable, Log, Mark, SourceMark, crash_point},
    stream::Epoch,
    time::BatchTime,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Logged {
    log: Log,
    /// What number 0 is in the log.
    first: Epoch,
    durable: watch::Receiver<Durable>,
    /// Whether sinks wait for a batch to be durable.
    holds_back: bool,
}

impl Logged {
    pub(crate) fn new(log: Log, first: Epoch, holds_back: bool) -> Self {
        let durable = log.durable();
        Logged { log, first, durable, holds_back }
    }

    pub(crate) fn mark(&self, epoch: Epoch, time: BatchTime, sources: Vec<SourceMark>) {
        self.log.mark(Mark { epoch: self.first + epoch, time, sources });
    }

    pub(crate) fn delivered(&self, epoch: Epoch) {
        crash_point("before-acknowledge");
        self.log.delivered(self.first + epoch);
        crash_point("after-acknowledge");
    }

    /// Waits until a batch may be given to a sink; whether it may at all.
    pub(crate) async fn released(&self, epoch: Epoch) -> bool {
        if !self.holds_back {
            return true;
        }
        let epoch = self.first + epoch;
        let mut durable = self.durable.clone();
        // The log ends before that only if it failed, and the job with it.
        durable.wait_for(|durable| durable.epoch.is_some_and(|durable| durable >= epoch)).await.is_ok()
    }

    /// A worker's part of a batch.
    pub(crate) fn part(&self, epoch: Epoch, worker: usize, bytes: Vec<u8>) {
        self.log.part(self.first + epoch, worker as u32, bytes);
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }
}
