//! Notices what does not return: connectors that block their threads, and calls to a storage that hangs.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, time::sleep};

use crate::{
    checkpoint::{Calls, CheckpointError},
    engine::checkpoint_settings::LOOK,
    error::JobError,
    observe::{explain::blocked, metrics::Board},
};

/// From when on a connector that blocks its thread is worth a line in the log.
const TELL: Duration = Duration::from_secs(5);

pub(super) struct Watchdog {
    service: Handle,
    board: Arc<Board>,
    /// Of a job with checkpoints.
    calls: Option<Calls>,
}

impl Watchdog {
    pub(super) fn new(service: Handle, board: Arc<Board>, calls: Option<Calls>) -> Self {
        Watchdog { service, board, calls }
    }

    pub(super) fn calls(&self) -> Option<&Calls> {
        self.calls.as_ref()
    }

    /// Looks once.
    ///
    /// # Errors
    /// A call to the storage has taken longer than it may.
    pub(super) fn look(&self) -> Result<(), JobError> {
        let sources = self.board.sources.iter().map(|source| ("source", source.port, &source.polls));
        let sinks = self.board.sinks.iter().map(|sink| ("sink", sink.port, &sink.polls));
        for (connector, port, polls) in sources.chain(sinks) {
            let Some(busy) = polls.running().filter(|busy| *busy >= LOOK) else { continue };
            if !polls.is_alone {
                // Tokio has one thread look after timers and sockets for all, and does not notice that this one is it:
                // something new to do makes another thread take its place.
                self.service.spawn(async {});
            }
            if busy >= TELL && polls.tell() {
                let job = &*self.board.job;
                tracing::warn!(job, port, ?busy, "{connector} blocks its thread; later times are not told");
            }
        }
        match self.calls.as_ref().and_then(Calls::stuck) {
            Some(stuck) => Err(JobError::Checkpoint(stuck)),
            None => Ok(()),
        }
    }

    /// What has not returned, in words.
    pub(super) fn held_up_by(&self) -> Vec<String> {
        let calls = self.calls.iter().flat_map(Calls::running).map(|call| call.to_string());
        blocked(&self.board).map(|wait| wait.to_string()).chain(calls).collect()
    }
}

/// Waits until a call has taken longer than it may.
pub(super) async fn stuck(calls: Option<&Calls>) -> CheckpointError {
    loop {
        if let Some(stuck) = calls.and_then(Calls::stuck) {
            return stuck;
        }
        sleep(LOOK).await;
    }
}
