//! The one task that closes batches at their boundaries and ends the job.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinError, JoinSet},
};
use tracing::Instrument;

use super::{
    Job, JobError, Monitor,
    cluster::{Role, follow},
    control::Control,
    error::Outcome,
    job::Command,
    metrics::{watched_sink, watched_source},
    recovery::{Beginning, run_again},
    wiring::{SinkTask, SourceTask},
    worker::Exit,
};
use crate::{
    blame,
    connect::{ConnectorError, PaceRequest},
    time::BatchTime,
};

/// How long the connectors of a job that ended, and then its threads, may take to leave before they are left behind.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// What a job with checkpoints does first, and where it says that its log has failed.
type ToBegin = (Beginning, mpsc::UnboundedSender<Command>);

pub(crate) struct Supervisor {
    control: Arc<Control>,
    sources: Connectors,
    sinks: Connectors,
    /// Where paced sources are asked for their batches, by the task that must be alive to answer.
    paced: Vec<Paced>,
    /// Tells the sources that the job is asked to stop.
    stop: watch::Sender<bool>,
    exits: mpsc::UnboundedReceiver<Exit>,
    workers: usize,
    /// When the sources begin.
    begun: watch::Sender<Option<BatchTime>>,
    /// Of this process among several.
    role: Option<Role>,
}

impl Supervisor {
    pub(crate) fn spawn(
        runtime: &Handle,
        name: String,
        control: Arc<Control>,
        (sources, sinks): (Vec<SourceTask>, Vec<SinkTask>),
        (exits, workers): (mpsc::UnboundedReceiver<Exit>, usize),
        (commands, asked): (mpsc::UnboundedSender<Command>, mpsc::UnboundedReceiver<Command>),
        (mut beginning, role): (Option<Beginning>, Option<Role>),
    ) -> Job {
        let (publish, outcome) = watch::channel(None);
        let job = Job { name: name.clone(), control: control.clone(), commands: commands.clone(), outcome };
        let started = control.clock.now();
        let mut supervisor = Supervisor {
            control,
            sources: Connectors::default(),
            sinks: Connectors::default(),
            paced: Vec::new(),
            stop: watch::Sender::new(false),
            exits,
            workers,
            begun: watch::Sender::new(beginning.is_none().then_some(started)),
            role,
        };
        let (board, listeners) = (supervisor.control.board.clone(), supervisor.control.listeners.clone());
        listeners.tell(|listener| listener.attached(&Monitor(board.clone())));
        for (index, SourceTask { port, task, drains, pace, .. }) in sources.into_iter().enumerate() {
            supervisor.paced.extend(pace.map(|requests| (index, requests)));
            let (interval, stop) = (supervisor.control.interval, supervisor.stop.subscribe());
            // In a job with checkpoints, sources begin when it is known where.
            let role = supervisor.role.as_ref().filter(|_| beginning.is_none());
            let begin = role.map(Role::watch_begin);
            let begin = begin.unwrap_or_else(|| supervisor.begun.subscribe());
            let (board, listeners) = (board.clone(), listeners.clone());
            let task = async move {
                let started = begun(begin).await;
                watched_source(index, board, listeners, task(interval, started, stop)).await
            };
            supervisor.sources.spawn(runtime, port, drains, task);
        }
        for sink in sinks {
            let ask = beginning.as_mut().and_then(|beginning| beginning.sink(&sink));
            let SinkTask { port, task, .. } = sink;
            let task = task(supervisor.control.clone(), ask);
            let task = watched_sink(port, board.clone(), listeners.clone(), task);
            supervisor.sinks.spawn(runtime, port, true, task);
        }
        let span = tracing::info_span!("job", job = name);
        let beginning = beginning.map(|beginning| (beginning, commands));
        runtime.spawn(supervisor.run(name, beginning, asked, publish).instrument(span));
        job
    }

    async fn run(
        mut self,
        name: String,
        mut beginning: Option<ToBegin>,
        asked: mpsc::UnboundedReceiver<Command>,
        publish: watch::Sender<Option<Outcome>>,
    ) {
        let control = self.control.clone();
        // Should the runtime drop this task, the workers must not stay behind.
        let guard = AbortOnDrop(control.clone());
        if self.role.is_none() {
            control.listeners.tell(|listener| listener.started());
        }
        let (opening, mut opened) = mpsc::channel(1);
        match &mut beginning {
            Some((beginning, _)) => beginning.opening = Some(opening),
            None => drop(opening),
        }
        let result = self.supervise(beginning, asked).await;
        if let Err(error) = &result {
            tracing::warn!(job = name, code = error.code(), %error, "job failed");
            if let Some(peers) = control.peers() {
                peers.fail(error);
                peers.close();
            }
            control.abort();
        }
        let connectors = async { tokio::join!(self.sources.tasks.shutdown(), self.sinks.tasks.shutdown()) };
        if tokio::time::timeout(LEAVE_LIMIT, connectors).await.is_err() {
            tracing::error!(
                job = name,
                "a connector blocks its thread and cannot be dropped; it is left behind"
            );
        }
        let leave = async { while self.exits.recv().await.is_some() {} };
        if tokio::time::timeout(LEAVE_LIMIT, leave).await.is_err() {
            tracing::error!(job = name, "a worker is stuck in a closure; its thread is left behind");
        }
        drop(guard);
        control.lose_receipts();
        // Whoever hears of the job's end may start it again, on the same place.
        while opened.recv().await.is_some() {}
        let result = result.and(close_log(&control).await);
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
        beginning: Option<ToBegin>,
        mut asked: mpsc::UnboundedReceiver<Command>,
    ) -> Result<(), JobError> {
        let control = self.control.clone();
        let Supervisor { sources, sinks, paced, stop, exits, workers, begun, role, .. } = self;
        let mut left = 0;
        let mut limit = None;
        let drive = drive(&control, sources, paced, (beginning, begun), stop, role);
        tokio::pin!(drive);
        let mut driving = true;
        // Workers that leave before they were told were never needed: the processes did not come together.
        while driving || left < *workers || !sinks.tasks.is_empty() {
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
                }
                Some(result) = sinks.join_next(|port, source| Err(JobError::Sink { port, source })) => result?,
                Some(command) = asked.recv() => match command {
                    Command::Abort => return Err(JobError::Aborted),
                    Command::Fail(error) => return Err(error),
                    Command::Stop(within) => {
                        control.peers().iter().for_each(|peers| peers.stop(within));
                        stop.send_replace(true);
                        limit.get_or_insert((within, tokio::time::Instant::now() + within));
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
        Ok(())
    }
}

/// Writes what waits to the log, and that it was delivered.
async fn close_log(control: &Control) -> Result<(), JobError> {
    let Some(log) = control.log().and_then(|logged| logged.log().cloned()) else { return Ok(()) };
    let closed = tokio::task::spawn_blocking(move || log.close()).await;
    closed.unwrap_or(Ok(())).map_err(JobError::Checkpoint)
}

/// Closes batches at their boundaries until the sources have ended or are stopped; then closes the last and
/// waits until all are delivered.
async fn drive(
    control: &Control,
    sources: &mut Connectors,
    paced: &mut Vec<Paced>,
    (beginning, begun): (Option<ToBegin>, &watch::Sender<Option<BatchTime>>),
    stopping: &watch::Sender<bool>,
    role: &mut Option<Role>,
) -> Result<(), JobError> {
    let mut stop = stopping.subscribe();
    if let Some(role) = role {
        tokio::select! {
            biased;
            () = role.begin() => {}
            // Nothing has come in anywhere.
            () = raised(&mut stop) => {
                control.peers().iter().for_each(|peers| peers.close());
                return Ok(());
            }
        }
        control.listeners.tell(|listener| listener.started());
    }
    let mut again = Vec::new();
    if let Some((beginning, commands)) = beginning {
        again = beginning.begin(control, role, commands).await?;
        let at_leader = role.as_ref().and_then(Role::begun_at);
        begun.send_replace(Some(at_leader.unwrap_or_else(|| control.clock.now())));
    }
    match role {
        Some(role) if !role.leads() => return follow(control, sources, paced, stopping, role).await,
        _ => run_again(control, sources, paced, role, again).await?,
    }
    let mut boundary = control.boundary();
    while !sources.tasks.is_empty() || role.as_ref().is_some_and(Role::has_sources) {
        tokio::select! {
            biased;
            () = raised(&mut stop) => break,
            Some(result) = sources.join_next(source_ended) => result?,
            () = ended_elsewhere(role) => {}
            () = control.clock.sleep_until(boundary) => {
                let paces = !paced.is_empty();
                until(control, |control| control.has_room() && (!paces || control.has_memory())).await;
                role.iter().for_each(|role| role.ask(boundary));
                pace(control, sources, paced, boundary).await?;
                if let Some(role) = role {
                    role.paced(boundary).await;
                }
                // A batch closed early may have taken the room meanwhile.
                while !control.close(boundary) {
                    until(control, Control::has_room).await;
                }
                boundary = control.boundary();
            }
        }
    }
    role.iter().for_each(Role::finish);
    sources.abort_undrained();
    while let Some(result) = sources.join_next(source_ended).await {
        result?;
    }
    let dirty_elsewhere = match role {
        Some(role) => role.drained().await,
        None => Vec::new(),
    };
    until(control, Control::is_idle).await;
    if control.is_dirty() || dirty_elsewhere.contains(&control.open()) {
        control.close(control.boundary());
        until(control, Control::is_idle).await;
    }
    if let Some((log, last)) = control.log().zip(control.open().checked_sub(1)).filter(|_| role.is_some()) {
        // Workers that leave take what they have for the log with them. If it fails, that is heard of elsewhere.
        if control.has_closed() && !log.is_durable(last).await {
            std::future::pending::<()>().await;
        }
    }
    role.iter().for_each(Role::leave);
    Ok(())
}

/// Waits until a source has ended in another process.
async fn ended_elsewhere(role: &mut Option<Role>) {
    match role {
        Some(role) => role.ended().await,
        None => std::future::pending().await,
    }
}

/// Waits until all processes are there.
async fn begun(mut begin: watch::Receiver<Option<BatchTime>>) -> BatchTime {
    let now = begin.wait_for(Option::is_some).await.ok().and_then(|now| *now);
    match now {
        Some(now) => now,
        // They will not come, and the job is on its way down.
        None => std::future::pending().await,
    }
}

/// Waits until the job is asked to stop; the sender outlives all who wait.
async fn raised(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits until something holds that holds only after a batch was delivered.
pub(super) async fn until(control: &Control, holds: impl Fn(&Control) -> bool) {
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
pub(super) async fn pace(
    control: &Control,
    sources: &mut Connectors,
    paced: &mut Vec<Paced>,
    time: BatchTime,
) -> Result<(), JobError> {
    control.pace(time);
    let mut answers = Vec::new();
    let board = &control.board;
    for (index, requests) in paced.iter().filter(|(index, _)| control.is_due(*index)) {
        let (done, answer) = oneshot::channel();
        board.sources[*index].asks(time, control.clock.now());
        match requests.send(PaceRequest { time, done }).await {
            Ok(()) => answers.push((&board.sources[*index], answer)),
            Err(_) => board.sources[*index].answered(),
        }
    }
    paced.retain(|(_, requests)| !requests.is_closed());
    for (source, mut answer) in answers {
        loop {
            tokio::select! {
                biased;
                _ = &mut answer => break,
                Some(result) = sources.join_next(source_ended) => result?,
            }
        }
        source.answered();
    }
    Ok(())
}

/// What it means that a source ended with an error.
pub(super) fn source_ended(port: &'static str, error: ConnectorError) -> Result<(), JobError> {
    match error {
        // Its worker is gone. That one's end says why, and may be heard of only later.
        ConnectorError::Closed => Ok(()),
        source => Err(JobError::Source { port, source }),
    }
}

/// A paced source, by its place, and where it is asked.
pub(crate) type Paced = (usize, mpsc::Sender<PaceRequest>);

/// The connector tasks of one kind.
#[derive(Default)]
pub(super) struct Connectors {
    pub(super) tasks: JoinSet<Result<(), ConnectorError>>,
    known: Vec<Connector>,
}

struct Connector {
    task: AbortHandle,
    port: &'static str,
    drains: bool,
    ended: bool,
}

impl Connectors {
    fn spawn(
        &mut self,
        runtime: &Handle,
        port: &'static str,
        drains: bool,
        task: impl Future<Output = Result<(), ConnectorError>> + Send + 'static,
    ) {
        let task = self.tasks.spawn_on(task, runtime);
        self.known.push(Connector { task, port, drains, ended: false });
    }

    /// Drops the tasks that do not end by themselves when they are asked.
    pub(super) fn abort_undrained(&self) {
        self.known.iter().filter(|connector| !connector.drains).for_each(|connector| connector.task.abort());
    }

    /// Whether the end of a task, by its place, was heard of.
    pub(super) fn has_ended(&self, index: usize) -> bool {
        self.known[index].ended
    }

    /// The end of the next task to end; `None` when there is none left.
    pub(super) async fn join_next(
        &mut self,
        wrap: impl Fn(&'static str, ConnectorError) -> Result<(), JobError>,
    ) -> Option<Result<(), JobError>> {
        let joined = self.tasks.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let known = self.known.iter_mut().find(|connector| connector.task.id() == id);
        let known = known.expect("every task has a port");
        known.ended = true;
        let port = known.port;
        Some(match joined {
            Ok((_, Ok(()))) => Ok(()),
            Ok((_, Err(error))) => wrap(port, error),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => Err(JobError::ConnectorPanicked { port, message: blame::message(&*payload) }),
                // Aborted by this supervisor, at its own time.
                Err(_) => Ok(()),
            },
        })
    }
}

struct AbortOnDrop(Arc<Control>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
        self.0.board.set_ended();
        self.0.peers().iter().for_each(|peers| peers.close());
    }
}
