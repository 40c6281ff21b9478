//! The life of a supervisor: it runs the batches, waits for the first failure or the end, and publishes the result.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    engine::{
        checkpoint_settings::LOOK,
        cluster::Role,
        connector_threads::Connectors,
        control::Control,
        job::Command,
        pacing::PacedSource,
        supervisor::drive::{Drive, RecoveryStart},
        watchdog::Watchdog,
        worker::Exit,
    },
    error::{JobError, Outcome},
    time::{BatchTime, deadline},
};

/// How long the connectors and the workers of a job that ended, and then its log, may take to leave before they are left
/// behind.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// The same, where the caller waits for an end at once, or where the limit of a stop has passed.
pub(super) const LEAVE_AT_ONCE: Duration = Duration::from_secs(1);

/// What the supervisor of a job holds.
pub(super) struct Supervisor {
    pub(super) control: Arc<Control>,
    pub(super) sources: Connectors,
    pub(super) sinks: Connectors,
    /// The paced sources that have not ended.
    pub(super) paced: Vec<PacedSource>,
    /// Tells the sources that the job is asked to stop.
    pub(super) stop: watch::Sender<bool>,
    pub(super) exits: mpsc::UnboundedReceiver<Exit>,
    pub(super) workers: usize,
    /// When the sources begin.
    pub(super) begun: watch::Sender<Option<BatchTime>>,
    /// Of this process among several.
    pub(super) role: Option<Role>,
    /// When a stop that was asked for must be over.
    pub(super) limit: Option<(Duration, Instant)>,
    pub(super) watchdog: Watchdog,
    /// Ends when the service's runtime does.
    pub(super) service: Service,
}

impl Supervisor {
    /// Supervises the job until it has ended, and publishes its result.
    pub(super) async fn run(
        mut self,
        name: String,
        mut recovery: Option<RecoveryStart>,
        commanded: mpsc::UnboundedReceiver<Command>,
        publish: &watch::Sender<Option<Outcome>>,
    ) {
        let control = self.control.clone();
        // Should this task be dropped or panic, the workers must not stay behind.
        let guard = AbortOnDrop(control.clone());
        if self.role.is_none() {
            control.listeners.tell(|listener| listener.started());
        }
        let (opening, opened) = mpsc::channel(1);
        match &mut recovery {
            Some(start) => start.recovery.opening = Some(opening),
            None => drop(opening),
        }
        let result = self.supervise(recovery, commanded).await;
        if let Err(error) = &result {
            tracing::warn!(job = name, code = error.code(), %error, "job failed");
            if let Some(peers) = control.peers() {
                peers.fail(error);
                peers.close();
            }
            control.abort();
        }
        let limit = match &result {
            Err(JobError::Aborted | JobError::StopTimedOut { .. } | JobError::RuntimeGone) => LEAVE_AT_ONCE,
            _ => LEAVE_LIMIT,
        };
        self.leave(&name, limit).await;
        drop(guard);
        control.lose_receipts();
        let result = self.close_log(&name, result, limit, opened).await;
        if let Some(role) = self.role {
            role.closed().await;
        }
        tracing::info!(job = name, "job ended");
        control.listeners.tell(|listener| listener.ended(&result));
        publish.send_replace(Some(Arc::new(result)));
    }

    /// Goes on until all is delivered, or until the first failure.
    async fn supervise(
        &mut self,
        recovery: Option<RecoveryStart>,
        mut commanded: mpsc::UnboundedReceiver<Command>,
    ) -> Result<(), JobError> {
        let control = self.control.clone();
        let Supervisor {
            sources,
            sinks,
            paced,
            stop,
            exits,
            workers,
            begun,
            role,
            limit,
            watchdog,
            service,
            ..
        } = self;
        let mut left = 0;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drive = Drive { control: &control, sources, paced, stop, begun, role }.run(recovery);
        tokio::pin!(drive);
        let mut driving = true;
        // Workers that leave before they were told were never needed: the processes did not come together.
        while driving || left < *workers || !sinks.tasks.is_empty() {
            let overdue = async {
                match *limit {
                    Some((limit, deadline)) => {
                        sleep_until(deadline).await;
                        limit
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut service.gone => return Err(JobError::RuntimeGone),
                Some(exit) = exits.recv() => {
                    exit?;
                    left += 1;
                }
                Some(result) = sinks.join_next(|port, source| Err(JobError::Sink { port, source })) => result?,
                Some(command) = commanded.recv() => match command {
                    Command::Abort => return Err(JobError::Aborted),
                    Command::Fail(error) => return Err(error),
                    Command::Stop(within) => {
                        control.peers().iter().for_each(|peers| peers.stop(within));
                        stop.send_replace(true);
                        limit.get_or_insert((within, deadline(within)));
                    }
                },
                result = &mut drive, if driving => {
                    result?;
                    driving = false;
                    control.leave();
                }
                limit = overdue => {
                    return Err(JobError::StopTimedOut { limit, held_up_by: watchdog.held_up_by() });
                }
                _ = look.tick() => watchdog.look()?,
            }
        }
        Ok(())
    }
}

/// A task in the service's runtime that does nothing but be dropped with it.
pub(super) struct Service {
    task: AbortHandle,
    pub(super) gone: oneshot::Receiver<()>,
}

impl Service {
    pub(super) fn new(runtime: &Handle) -> Self {
        let (alive, gone) = oneshot::channel::<()>();
        let task = runtime.spawn(async move {
            let _alive = alive;
            std::future::pending::<()>().await
        });
        Service { task: task.abort_handle(), gone }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Aborts the job if the supervisor is dropped or panics, so that its workers do not stay behind.
struct AbortOnDrop(Arc<Control>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
        self.0.board.set_ended();
        self.0.peers().iter().for_each(|peers| peers.close());
    }
}
