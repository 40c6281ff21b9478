//! The one task that closes batches at their boundaries and ends the job.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    task::{Id, JoinError, JoinSet},
};

use super::{
    Job, JobError,
    control::Control,
    error::Outcome,
    job::Command,
    wiring::{SinkTask, SourceTask},
    worker::Exit,
};
use crate::{
    blame,
    connect::{ConnectorError, PaceRequest},
    time::BatchTime,
};

/// How long the threads of a job that failed may take to leave before they are left behind.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

pub(crate) struct Supervisor {
    control: Arc<Control>,
    sources: Connectors,
    sinks: Connectors,
    /// Where paced sources are asked for their batches, by the task that must be alive to answer.
    paced: Vec<mpsc::Sender<PaceRequest>>,
    exits: mpsc::UnboundedReceiver<Exit>,
    workers: usize,
}

impl Supervisor {
    pub(crate) fn spawn(
        runtime: &Handle,
        name: String,
        control: Arc<Control>,
        sources: Vec<SourceTask>,
        sinks: Vec<SinkTask>,
        exits: mpsc::UnboundedReceiver<Exit>,
        workers: usize,
    ) -> Job {
        let (commands, asked) = mpsc::unbounded_channel();
        let (publish, outcome) = watch::channel(None);
        let job = Job { name: name.clone(), control: control.clone(), commands, outcome };
        let started = control.clock.now();
        let mut supervisor = Supervisor {
            control,
            sources: Connectors::default(),
            sinks: Connectors::default(),
            paced: Vec::new(),
            exits,
            workers,
        };
        for SourceTask { port, task, pace } in sources {
            supervisor.paced.extend(pace);
            supervisor.sources.spawn(runtime, port, task(supervisor.control.interval, started));
        }
        for SinkTask { port, task } in sinks {
            supervisor.sinks.spawn(runtime, port, task(supervisor.control.clone()));
        }
        runtime.spawn(supervisor.run(name, asked, publish));
        job
    }

    async fn run(
        mut self,
        name: String,
        asked: mpsc::UnboundedReceiver<Command>,
        publish: watch::Sender<Option<Outcome>>,
    ) {
        let control = self.control.clone();
        // Should the runtime drop this task, the workers must not stay behind.
        let guard = AbortOnDrop(control.clone());
        control.listeners().iter().for_each(|listener| listener.started());
        let result = self.supervise(asked).await;
        if let Err(error) = &result {
            tracing::warn!(job = name, code = error.code(), %error, "job failed");
            control.abort();
        }
        self.sources.tasks.shutdown().await;
        self.sinks.tasks.shutdown().await;
        let leave = async { while self.exits.recv().await.is_some() {} };
        if tokio::time::timeout(LEAVE_LIMIT, leave).await.is_err() {
            tracing::error!(job = name, "a worker is stuck in a closure; its thread is left behind");
        }
        drop(guard);
        tracing::info!(job = name, "job ended");
        control.listeners().iter().for_each(|listener| listener.ended(&result));
        publish.send_replace(Some(Arc::new(result)));
    }

    /// Goes on until all is delivered, or until the first failure.
    async fn supervise(&mut self, mut asked: mpsc::UnboundedReceiver<Command>) -> Result<(), JobError> {
        let control = self.control.clone();
        let Supervisor { sources, sinks, paced, exits, workers, .. } = self;
        let (stop, stopped) = oneshot::channel();
        let mut left = 0;
        let mut limit = None;
        let mut stop = Some(stop);
        let drive = drive(&control, sources, paced, stopped);
        tokio::pin!(drive);
        let mut driving = true;
        loop {
            let overdue = async {
                match limit {
                    Some((limit, deadline)) => {
                        tokio::time::sleep_until(deadline).await;
                        limit
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(exit) = exits.recv() => {
                    exit?;
                    left += 1;
                    if left == *workers && sinks.tasks.is_empty() {
                        return Ok(());
                    }
                }
                Some(result) = sinks.join_next(|port, source| JobError::Sink { port, source }) => {
                    result?;
                    if left == *workers && sinks.tasks.is_empty() {
                        return Ok(());
                    }
                }
                Some(command) = asked.recv() => match command {
                    Command::Abort => return Err(JobError::Aborted),
                    Command::Stop(within) => {
                        if let Some(stop) = stop.take() {
                            let _ = stop.send(());
                            limit = Some((within, tokio::time::Instant::now() + within));
                        }
                    }
                },
                result = &mut drive, if driving => {
                    result?;
                    driving = false;
                    control.leave();
                }
                limit = overdue => return Err(JobError::StopTimedOut { limit }),
            }
        }
    }
}

/// Closes batches at their boundaries until the sources have ended or are stopped; then closes the last and
/// waits until all are delivered.
async fn drive(
    control: &Control,
    sources: &mut Connectors,
    paced: &mut Vec<mpsc::Sender<PaceRequest>>,
    mut stopped: oneshot::Receiver<()>,
) -> Result<(), JobError> {
    let mut boundary = control.boundary();
    while !sources.tasks.is_empty() {
        tokio::select! {
            biased;
            // The sender is dropped only with this future.
            _ = &mut stopped => break,
            Some(result) = sources.join_next(|port, source| JobError::Source { port, source }) => result?,
            () = control.clock.sleep_until(boundary) => {
                until(control, Control::has_room).await;
                pace(sources, paced, boundary).await?;
                control.close(boundary);
                boundary = control.boundary();
            }
        }
    }
    sources.tasks.shutdown().await;
    until(control, Control::is_idle).await;
    if control.is_dirty() {
        control.close(control.boundary());
        until(control, Control::is_idle).await;
    }
    Ok(())
}

/// Waits until something holds that holds only after a batch was delivered.
async fn until(control: &Control, holds: impl Fn(&Control) -> bool) {
    loop {
        let delivered = control.room.notified();
        tokio::pin!(delivered);
        // Registered before looking, so that a delivery in between is not missed.
        delivered.as_mut().enable();
        if holds(control) {
            return;
        }
        delivered.await;
    }
}

/// Asks the paced sources for their records of the batch at `time` and waits until they have sent them. A
/// source that ends meanwhile has answered.
async fn pace(
    sources: &mut Connectors,
    paced: &mut Vec<mpsc::Sender<PaceRequest>>,
    time: BatchTime,
) -> Result<(), JobError> {
    let mut answers = Vec::new();
    for source in paced.iter() {
        let (done, answer) = oneshot::channel();
        if source.send(PaceRequest { time, done }).await.is_ok() {
            answers.push(answer);
        }
    }
    paced.retain(|source| !source.is_closed());
    for mut answer in answers {
        loop {
            tokio::select! {
                biased;
                _ = &mut answer => break,
                Some(result) = sources.join_next(|port, source| JobError::Source { port, source }) => result?,
            }
        }
    }
    Ok(())
}

/// The connector tasks of one kind.
#[derive(Default)]
struct Connectors {
    tasks: JoinSet<Result<(), ConnectorError>>,
    ports: Vec<(Id, &'static str)>,
}

impl Connectors {
    fn spawn(
        &mut self,
        runtime: &Handle,
        port: &'static str,
        task: impl Future<Output = Result<(), ConnectorError>> + Send + 'static,
    ) {
        let id = self.tasks.spawn_on(task, runtime).id();
        self.ports.push((id, port));
    }

    /// The end of the next task to end; `None` when there is none left.
    async fn join_next(
        &mut self,
        wrap: impl Fn(&'static str, ConnectorError) -> JobError,
    ) -> Option<Result<(), JobError>> {
        let joined = self.tasks.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let (_, port) = self.ports.iter().find(|(task, _)| *task == id).expect("every task has a port");
        Some(match joined {
            Ok((_, result)) => result.map_err(|error| wrap(port, error)),
            Err(error) => Err(JobError::ConnectorPanicked {
                port,
                message: error.try_into_panic().map_or_else(
                    |_| "its task was cancelled".to_owned(),
                    |payload| blame::message(&*payload),
                ),
            }),
        })
    }
}

struct AbortOnDrop(Arc<Control>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
