//! Starts the supervisor of a job, and its connectors.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc, watch},
};
use tracing::Instrument;

use crate::{
    engine::{
        cluster::Role,
        connector_events::{watched_sink, watched_source},
        connector_threads::{Connectors, RunPlace},
        control::Control,
        job::{Command, Job},
        pacing::PacedSource,
        resume::JobRecovery,
        supervisor::{
            drive::RecoveryStart,
            run::{Service, Supervisor},
        },
        threads::{scoped_subscriber, thread_name},
        watchdog::Watchdog,
        wiring::{SinkTask, SourceStart, SourceTask},
        worker::Exit,
    },
    error::{JobError, StartError},
    observe::monitor::Monitor,
    panic_origin,
    time::BatchTime,
};

/// What a supervisor is started with.
pub(crate) struct SupervisorStart {
    pub(crate) name: String,
    pub(crate) control: Arc<Control>,
    pub(crate) sources: Vec<SourceTask>,
    pub(crate) sinks: Vec<SinkTask>,
    /// The ends of the workers.
    pub(crate) exits: mpsc::UnboundedReceiver<Exit>,
    /// How many workers there are.
    pub(crate) workers: usize,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    /// The other end of `commands`.
    pub(crate) commanded: mpsc::UnboundedReceiver<Command>,
    /// In a job with checkpoints.
    pub(crate) recovery: Option<JobRecovery>,
    /// Of this process among several.
    pub(crate) role: Option<Role>,
}

impl SupervisorStart {
    /// Starts the connectors, and the supervisor on a thread of its own.
    pub(crate) fn spawn(self, runtime: &Handle) -> Result<Job, StartError> {
        let SupervisorStart { name, control, sources, sinks, exits, workers, .. } = self;
        let SupervisorStart { commands, commanded, mut recovery, role, .. } = self;
        let (publish, outcome) = watch::channel(None);
        let job = Job { name: name.clone(), control: control.clone(), commands: commands.clone(), outcome };
        let started = control.clock.now();
        let calls = recovery.as_ref().map(|recovery| recovery.calls.clone());
        let mut supervisor = Supervisor {
            watchdog: Watchdog::new(runtime.clone(), control.board.clone(), calls),
            control,
            sources: Connectors::default(),
            sinks: Connectors::default(),
            paced: Vec::new(),
            stop: watch::Sender::new(false),
            exits,
            workers,
            begun: watch::Sender::new(recovery.is_none().then_some(started)),
            role,
            limit: None,
            service: Service::new(runtime),
        };
        let listeners = supervisor.control.listeners.clone();
        let board = supervisor.control.board.clone();
        listeners.tell(|listener| listener.attached(&Monitor(board.clone())));
        supervisor.start_connectors(runtime, &name, (sources, sinks), &mut recovery)?;
        let span = tracing::info_span!("job", job = name);
        let subscriber = scoped_subscriber();
        // Timers only: it costs no descriptors.
        let own = Builder::new_current_thread().enable_time().build().map_err(StartError::Supervisor)?;
        let thread = std::thread::Builder::new().name(thread_name(&name));
        let run = move || {
            let _subscriber = subscriber.as_ref().map(tracing::dispatcher::set_default);
            let recovery = recovery.map(|recovery| RecoveryStart { recovery, commands });
            let run = supervisor.run(name, recovery, commanded, &publish).instrument(span);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| own.block_on(run))) {
                let (operator, message) = ("the supervisor".to_owned(), panic_origin::message(&*panic));
                publish.send_replace(Some(Arc::new(Err(JobError::OperatorPanicked { operator, message }))));
            }
        };
        thread.spawn(run).map_err(StartError::Supervisor)?;
        Ok(job)
    }
}

impl Supervisor {
    /// Starts the tasks of the connectors.
    fn start_connectors(
        &mut self,
        host: &Handle,
        job: &str,
        (sources, sinks): (Vec<SourceTask>, Vec<SinkTask>),
        recovery: &mut Option<JobRecovery>,
    ) -> Result<(), StartError> {
        let (board, listeners) = (self.control.board.clone(), self.control.listeners.clone());
        for (index, SourceTask { port, task, drains, may_block, pace, .. }) in sources.into_iter().enumerate()
        {
            self.paced.extend(pace.map(|requests| PacedSource { index, requests }));
            let (interval, stop) = (self.control.interval, self.stop.subscribe());
            let context = self.control.port_context(port);
            // In a job with checkpoints, sources begin when it is known where.
            let role = self.role.as_ref().filter(|_| recovery.is_none());
            let begin = role.map(Role::watch_begin).unwrap_or_else(|| self.begun.subscribe());
            let (board, listeners) = (board.clone(), listeners.clone());
            let task = async move {
                let started = begun(begin).await;
                watched_source(
                    index,
                    board,
                    listeners,
                    task(SourceStart { context, interval, started, stop }),
                )
                .await
            };
            let place = RunPlace { host, job, port, drains, may_block };
            let spawned = self.sources.spawn(&place, task);
            spawned.map_err(|source| StartError::Connector { port, source })?;
        }
        for (index, sink) in sinks.into_iter().enumerate() {
            let committed_to = recovery.as_mut().and_then(|recovery| recovery.add_sink(&sink));
            let SinkTask { port, task, may_block, .. } = sink;
            let task = task(self.control.clone(), committed_to);
            let task = watched_sink(index, board.clone(), listeners.clone(), task);
            let place = RunPlace { host, job, port, drains: true, may_block };
            let spawned = self.sinks.spawn(&place, task);
            spawned.map_err(|source| StartError::Connector { port, source })?;
        }
        Ok(())
    }
}

/// Waits until the sources begin: when all processes are there, and the checkpoint is restored.
async fn begun(mut begin: watch::Receiver<Option<BatchTime>>) -> BatchTime {
    let now = begin.wait_for(Option::is_some).await.ok().and_then(|now| *now);
    match now {
        Some(now) => now,
        // They will not come, and the job is on its way down.
        None => std::future::pending().await,
    }
}
