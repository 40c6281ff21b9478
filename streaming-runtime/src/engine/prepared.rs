//! A job whose workers are about to start, and what is waited for until they have.

use std::{
    sync::{
        Arc,
        mpsc::{self as std_mpsc, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use crate::{
    build_error::BuildError,
    engine::{
        cluster::{Link, Peers, Role},
        control::Control,
        resume::JobRecovery,
        wiring::{SinkTask, SourceTask},
        worker::BuildResult,
    },
    error::StartError,
};

/// A job whose workers are about to start.
pub(super) struct Prepared {
    pub(super) name: String,
    pub(super) control: Arc<Control>,
    pub(super) sources: Vec<SourceTask>,
    pub(super) sinks: Vec<SinkTask>,
    pub(super) cluster: Option<ClusterParts>,
    pub(super) recovery: Option<JobRecovery>,
    /// Each worker reports here whether it has built its dataflow.
    pub(super) building: std_mpsc::Receiver<BuildResult>,
}

/// The part of a job in several processes that is about the other processes.
pub(super) struct ClusterParts {
    pub(super) link: Link,
    pub(super) peers: Peers,
    pub(super) role: Role,
}

/// How long a worker may take to build its dataflow: a body that waits for something would keep `start` for ever.
const BUILD_LIMIT: Duration = Duration::from_secs(60);

impl Prepared {
    /// Waits until each worker has built its dataflow; ends them all if one cannot.
    pub(super) fn wait_until_built(&self) -> Result<(), StartError> {
        let deadline = Instant::now() + BUILD_LIMIT;
        let mut failed: Option<(usize, BuildError)> = None;
        loop {
            match self.building.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                // Of several errors that of the first worker, so that the same program always reports the same.
                Ok(BuildResult { local_worker, result: Err(error) }) => {
                    if failed.as_ref().is_none_or(|(first, _)| local_worker < *first) {
                        failed = Some((local_worker, error));
                    }
                }
                Ok(BuildResult { result: Ok(()), .. }) => {}
                // All have reported, or have ended without a report, of which the supervisor hears.
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    failed = Some((0, BuildError::Stuck { limit: BUILD_LIMIT }));
                    break;
                }
            }
        }
        match failed {
            None => Ok(()),
            Some((_, error)) => {
                self.control.abort();
                Err(StartError::Build(error))
            }
        }
    }

    /// Compares what the workers have built with the checkpoint; ends them if it does not fit.
    pub(super) fn check_checkpoint(&mut self) -> Result<(), StartError> {
        let Some(recovery) = &mut self.recovery else { return Ok(()) };
        recovery.check(&self.control.board).map_err(|error| {
            self.control.abort();
            StartError::Checkpoint(error)
        })
    }
}
