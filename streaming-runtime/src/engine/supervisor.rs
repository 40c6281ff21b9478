//! The one task that closes batches at their boundaries and ends the job.
//!
//! It has a thread and timers of its own, so a blocked runtime of the service does not keep it from ending the job. It never waits without
//! a limit for anything that may hang.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tracing::Instrument;

use crate::{
    checkpoint::Calls,
    contract::error::ConnectorError,
    engine::{
        checkpoint_settings::LOOK,
        cluster::{Role, follow},
        connector_events::{watched_sink, watched_source},
        connector_threads::{Connectors, RunPlace, scoped_subscriber},
        control::Control,
        job::{Command, Job},
        resume::{Beginning, run_again},
        thread_name,
        watchdog::{Watchdog, stuck},
        wiring::{SinkTask, SourceTask},
        worker::Exit,
    },
    error::{JobError, Outcome, StartError},
    intake::source_context::PaceRequest,
    observe::{monitor::Monitor, panic_origin},
    stream::timeline::Follows,
    time::{BatchTime, deadline},
};

/// How long the connectors and the workers of a job that ended, and then its log, may take to leave before they are left
/// behind.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// The same, where somebody waits who has said that it is to be at once, or by now.
const LEAVE_AT_ONCE: Duration = Duration::from_secs(1);

/// How long sources that had ended before the job was started again may take to end again, before time goes on.
const END_AGAIN_LIMIT: Duration = Duration::from_millis(200);

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
    /// When a stop that was asked for must be over.
    limit: Option<(Duration, Instant)>,
    watchdog: Watchdog,
    /// Ends when the service's runtime does.
    service: Service,
}

/// A task in the service's runtime that does nothing but be dropped with it.
struct Service {
    task: AbortHandle,
    gone: oneshot::Receiver<()>,
}

impl Service {
    fn new(runtime: &Handle) -> Self {
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

impl Supervisor {
    pub(crate) fn spawn(
        runtime: &Handle,
        name: String,
        control: Arc<Control>,
        (sources, sinks): (Vec<SourceTask>, Vec<SinkTask>),
        (exits, workers): (mpsc::UnboundedReceiver<Exit>, usize),
        (commands, asked): (mpsc::UnboundedSender<Command>, mpsc::UnboundedReceiver<Command>),
        (mut beginning, role): (Option<Beginning>, Option<Role>),
    ) -> Result<Job, StartError> {
        let (publish, outcome) = watch::channel(None);
        let job = Job { name: name.clone(), control: control.clone(), commands: commands.clone(), outcome };
        let started = control.clock.now();
        let calls = beginning.as_ref().map(|beginning| beginning.calls.clone());
        let mut supervisor = Supervisor {
            watchdog: Watchdog::new(runtime.clone(), control.board.clone(), calls),
            control,
            sources: Connectors::default(),
            sinks: Connectors::default(),
            paced: Vec::new(),
            stop: watch::Sender::new(false),
            exits,
            workers,
            begun: watch::Sender::new(beginning.is_none().then_some(started)),
            role,
            limit: None,
            service: Service::new(runtime),
        };
        let listeners = supervisor.control.listeners.clone();
        let board = supervisor.control.board.clone();
        listeners.tell(|listener| listener.attached(&Monitor(board.clone())));
        supervisor.start_connectors(runtime, &name, (sources, sinks), &mut beginning)?;
        let span = tracing::info_span!("job", job = name);
        let subscriber = scoped_subscriber();
        // Timers only: it costs no descriptors.
        let own = Builder::new_current_thread().enable_time().build().map_err(StartError::Supervisor)?;
        let thread = std::thread::Builder::new().name(thread_name(&name));
        let run = move || {
            let _subscriber = subscriber.as_ref().map(tracing::dispatcher::set_default);
            let beginning = beginning.map(|beginning| (beginning, commands));
            let run = supervisor.run(name, beginning, asked, &publish).instrument(span);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| own.block_on(run))) {
                let (operator, message) = ("the supervisor".to_owned(), panic_origin::message(&*panic));
                publish.send_replace(Some(Arc::new(Err(JobError::OperatorPanicked { operator, message }))));
            }
        };
        thread.spawn(run).map_err(StartError::Supervisor)?;
        Ok(job)
    }

    fn start_connectors(
        &mut self,
        host: &Handle,
        job: &str,
        (sources, sinks): (Vec<SourceTask>, Vec<SinkTask>),
        beginning: &mut Option<Beginning>,
    ) -> Result<(), StartError> {
        let (board, listeners) = (self.control.board.clone(), self.control.listeners.clone());
        for (index, SourceTask { port, task, drains, may_block, pace, .. }) in sources.into_iter().enumerate()
        {
            self.paced.extend(pace.map(|requests| (index, requests)));
            let (interval, stop) = (self.control.interval, self.stop.subscribe());
            // In a job with checkpoints, sources begin when it is known where.
            let role = self.role.as_ref().filter(|_| beginning.is_none());
            let begin = role.map(Role::watch_begin).unwrap_or_else(|| self.begun.subscribe());
            let (board, listeners) = (board.clone(), listeners.clone());
            let task = async move {
                let started = begun(begin).await;
                watched_source(index, board, listeners, task(interval, started, stop)).await
            };
            let place = RunPlace { host, job, port, drains, may_block };
            let spawned = self.sources.spawn(&place, task);
            spawned.map_err(|source| StartError::Connector { port, source })?;
        }
        for (index, sink) in sinks.into_iter().enumerate() {
            let ask = beginning.as_mut().and_then(|beginning| beginning.sink(&sink));
            let SinkTask { port, task, may_block, .. } = sink;
            let task = task(self.control.clone(), ask);
            let task = watched_sink(index, board.clone(), listeners.clone(), task);
            let place = RunPlace { host, job, port, drains: true, may_block };
            let spawned = self.sinks.spawn(&place, task);
            spawned.map_err(|source| StartError::Connector { port, source })?;
        }
        Ok(())
    }

    async fn run(
        mut self,
        name: String,
        mut beginning: Option<ToBegin>,
        asked: mpsc::UnboundedReceiver<Command>,
        publish: &watch::Sender<Option<Outcome>>,
    ) {
        let control = self.control.clone();
        // Should this task be dropped or panic, the workers must not stay behind.
        let guard = AbortOnDrop(control.clone());
        if self.role.is_none() {
            control.listeners.tell(|listener| listener.started());
        }
        let (opening, opened) = mpsc::channel(1);
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

    /// Waits until the connectors and the workers have left, for some time.
    async fn leave(&mut self, name: &str, limit: Duration) {
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
    async fn close_log(
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

    /// Goes on until all is delivered, or until the first failure.
    async fn supervise(
        &mut self,
        beginning: Option<ToBegin>,
        mut asked: mpsc::UnboundedReceiver<Command>,
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
        let drive = drive(&control, sources, paced, (beginning, begun), stop, role);
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
                Some(command) = asked.recv() => match command {
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
    if control.had_ended() && role.is_none() {
        // What they had is delivered, and time should not go on because it takes a moment to see that there is no more.
        let limit = tokio::time::sleep(END_AGAIN_LIMIT);
        tokio::pin!(limit);
        while !have_ended(sources, role) {
            tokio::select! {
                biased;
                () = raised(&mut stop) => break,
                Some(result) = sources.join_next(source_ended) => result?,
                () = &mut limit => break,
            }
        }
    }
    let mut handed_on = None;
    let mut stopped = false;
    while !have_ended(sources, role) {
        let boundary = control.boundary();
        tokio::select! {
            biased;
            // By a test's clock everything is certain: what is due by now is closed before.
            () = raised(&mut stop), if !control.owes_batches() => {
                stopped = true;
                break;
            }
            Some(result) = sources.join_next(source_ended) => result?,
            () = ended_elsewhere(role) => {}
            () = control.clock.sleep_until(boundary) => {
                let paces = !paced.is_empty();
                until(control, |control| control.has_room() && (!paces || control.has_memory())).await;
                if control.clock.is_manual() && handed_on.replace(control.clock.now()) != Some(control.clock.now()) {
                    hand_on(control, sources).await?;
                }
                reap(control, sources, paced).await?;
                if have_ended(sources, role) {
                    continue;
                }
                let (time, follows) = control.due();
                role.iter().for_each(|role| role.ask(time));
                let asked = pace(control, sources, paced, time).await?;
                if let Some(role) = role {
                    role.paced(time).await;
                }
                reap(control, sources, paced).await?;
                if have_ended(sources, role) && !asked && !control.is_dirty() {
                    // They had ended before they were asked.
                    continue;
                }
                // A batch closed early may have taken the room meanwhile.
                while !control.close(time, follows) {
                    until(control, Control::has_room).await;
                }
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
    let is_dirty = control.is_dirty() || dirty_elsewhere.contains(&control.open());
    if is_dirty || control.is_between_boundaries() {
        control.close(control.boundary(), Follows::Closely);
        until(control, Control::is_idle).await;
    }
    // What is in the windows of a job that is only stopped stays in its checkpoint.
    if !(stopped && control.log().is_some()) {
        while let Some((time, follows)) = control.next_at_the_end() {
            control.close(time, follows);
            until(control, Control::is_idle).await;
        }
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

/// Whether no source will send any more, in any process.
fn have_ended(sources: &Connectors, role: &Option<Role>) -> bool {
    sources.tasks.is_empty() && !role.as_ref().is_some_and(Role::has_sources)
}

/// Has the sources hand on what the program has given them; one that ends meanwhile has nothing.
pub(super) async fn hand_on(control: &Control, sources: &mut Connectors) -> Result<(), JobError> {
    let handed_on = control.hand_on();
    tokio::pin!(handed_on);
    loop {
        tokio::select! {
            biased;
            () = &mut handed_on => return Ok(()),
            Some(result) = sources.join_next(source_ended) => result?,
        }
    }
}

/// Hears of the ends of sources that cannot send any more: they have ended, or are about to. Else one more batch would
/// close, or not, as chance has it.
async fn reap(control: &Control, sources: &mut Connectors, paced: &mut Vec<Paced>) -> Result<(), JobError> {
    let gone = paced.iter().filter(|(_, requests)| requests.is_closed()).map(|(index, _)| *index);
    let gone: Vec<usize> = gone.chain((0..sources.count()).filter(|index| control.is_over(*index))).collect();
    paced.retain(|(_, requests)| !requests.is_closed());
    for index in gone {
        while !sources.has_ended(index)
            && let Some(result) = sources.join_next(source_ended).await
        {
            result?;
        }
    }
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
/// source that ends meanwhile has answered. Returns whether any source heard of it.
pub(super) async fn pace(
    control: &Control,
    sources: &mut Connectors,
    paced: &[Paced],
    time: BatchTime,
) -> Result<bool, JobError> {
    control.pace(time);
    let (mut answers, heard) = (Vec::new(), Arc::<AtomicBool>::default());
    let board = &control.board;
    for (index, requests) in paced.iter().filter(|(index, _)| control.is_due(*index)) {
        let (done, answer) = oneshot::channel();
        board.sources[*index].asks(time, control.clock.now());
        match requests.send(PaceRequest { time, done, heard: heard.clone() }).await {
            Ok(()) => answers.push((&board.sources[*index], answer)),
            Err(_) => board.sources[*index].answered(),
        }
    }
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
    Ok(heard.load(Ordering::Acquire))
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

struct AbortOnDrop(Arc<Control>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
        self.0.board.set_ended();
        self.0.peers().iter().for_each(|peers| peers.close());
    }
}
