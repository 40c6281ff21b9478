//! The end of a job: connectors, workers and the log leave, or are left behind.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{sleep_until, timeout},
};

use crate::{
    checkpoint::Calls,
    engine::{
        supervisor::run::{LEAVE_AT_ONCE, Supervisor},
        watchdog::stuck,
    },
    error::JobError,
    time::deadline,
};

impl Supervisor {
    /// Waits until the connectors and the workers have left, for some time.
    pub(super) async fn leave(&mut self, name: &str, limit: Duration) {
        let Supervisor { sources, sinks, exits, .. } = self;
        let connectors = timeout(limit, async { tokio::join!(sources.shutdown(), sinks.shutdown()) });
        let workers = timeout(limit, async { while exits.recv().await.is_some() {} });
        let (connectors, workers) = tokio::join!(connectors, workers);
        if connectors.is_err() {
            let ports = [self.sources.left(), self.sinks.left()].concat();
            tracing::error!(
                job = name,
                ?ports,
                "a connector blocks its thread and cannot be dropped; it is left behind"
            );
        }
        if workers.is_err() {
            tracing::error!(job = name, "a worker is stuck in a closure; its thread is left behind");
        }
    }

    /// Writes what waits to the log, and that it was delivered, so that whoever hears of the job's end may start it again, on
    /// the same place. Waits for the disk as long as the caller does, or as a call may take.
    pub(super) async fn close_log(
        &self,
        name: &str,
        result: Result<(), JobError>,
        limit: Duration,
        mut opened: mpsc::Receiver<()>,
    ) -> Result<(), JobError> {
        // A start on this place waits for what is still under way there when nobody waits here any more: a call that takes long,
        // or a log that was begun when the job was aborted.
        self.watchdog.calls().into_iter().for_each(Calls::leave);
        let closed = async {
            while opened.recv().await.is_some() {}
            match self.control.log().and_then(|logged| logged.log()) {
                Some(log) => log.close().await.map_err(JobError::Checkpoint),
                None => Ok(()),
            }
        };
        let end = match (&result, self.limit) {
            (Ok(()), None) => None,
            (Ok(()), Some((_, deadline))) => Some(deadline + LEAVE_AT_ONCE),
            (Err(_), _) => Some(deadline(limit)),
        };
        let late = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        let stuck = stuck(self.watchdog.calls());
        let closed = tokio::select! {
            biased;
            closed = closed => return result.and(closed),
            stuck = stuck => Err(JobError::Checkpoint(stuck)),
            () = late => match self.limit {
                Some((limit, _)) => Err(JobError::StopTimedOut { limit, held_up_by: self.watchdog.held_up_by() }),
                None => Err(JobError::Aborted), // the result says more
            },
        };
        let by = self.watchdog.held_up_by().join("; ");
        tracing::error!(
            job = name,
            by,
            "the checkpoint's storage hangs; its thread is left behind and keeps the place until it returns"
        );
        result.and(closed)
    }
}
