//! What a job with checkpoints does before its first batch, in the process with the log and in the others.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    checkpoint::{
        Calls, CheckpointError, Durable, Log, Opened, OperatorState, ReplayMark, Restored, Storage, look,
        mark_of,
    },
    contract::checkpoint_mark::CheckpointId,
    delivery::sink_task::{SinkReport, SinkReportSender},
    detached::{Lost, aside},
    engine::{
        checkpoint_settings::{Checkpoint, panicked},
        cluster::{CommittedSink, ProcessReport, Role},
        control::{Control, ReplaySpan, RestoredBatch},
        job::Command,
        job_log::{InputLog, JobLog, LogMessages},
        resume::{
            carried_state::{CarriedState, changed_records, refuse_changed},
            connectors::{RecoveringSink, RecoveringSource, resume_sources},
            lock_file::check_lock_file,
            lossy_sources,
            resume_point::{SinkProgress, Topology, absent},
            sink_marks::SinkOwnership,
        },
        wiring::{SinkMark, SinkTask},
    },
    error::JobError,
    ids::Epoch,
    observe::metrics::Board,
};

/// What a job with checkpoints does before its first batch.
pub(crate) struct JobRecovery {
    pub(crate) pipeline: &'static str,
    /// How its operators are made: `id mark`.
    pub(crate) marks: &'static [&'static str],
    /// The sources of each operator.
    pub(crate) feeds: &'static [(&'static str, &'static [&'static str])],
    pub(crate) settings: Checkpoint,
    /// The calls to the storage that are under way.
    pub(crate) calls: Calls,
    pub(crate) stored: StoredCheckpoint,
    /// Workers of each process.
    pub(crate) workers_per_process: usize,
    pub(crate) built: mpsc::UnboundedReceiver<Vec<OperatorState>>,
    /// The result of [`check`](JobRecovery::check), if the program was compared with the checkpoint already.
    pub(crate) checked: Option<CheckedProgram>,
    pub(crate) workers: Vec<oneshot::Sender<Option<Arc<Restored>>>>,
    pub(crate) sources: Vec<RecoveringSource>,
    pub(crate) sinks: Vec<RecoveringSink>,
    /// What sinks know of the checkpoint that they belong to.
    pub(crate) sink_marks: Vec<(&'static str, SinkMark)>,
    /// Dropped when the place is free again: nothing opens it any more.
    pub(crate) opening: Option<mpsc::Sender<()>>,
    /// Where sources find the log for their input.
    pub(crate) input_log: Arc<OnceLock<InputLog>>,
}

/// What the operators keep, and how the stored state is carried over to them.
pub(crate) struct CheckedProgram {
    operators: Vec<OperatorState>,
    carried: CarriedState,
}

/// The stored checkpoint of the job.
pub(crate) enum StoredCheckpoint {
    /// It was read, and this process resumes from it.
    Opened(Box<Opened>),
    /// The leader has it; it is read here when the leader says so.
    AtLeader { storage: Arc<dyn Storage>, messages: Arc<LogMessages> },
    /// It was taken out.
    Taken,
}

impl JobRecovery {
    /// Adds a sink; returns where a transactional one reports what it has.
    pub(crate) fn add_sink(&mut self, sink: &SinkTask) -> Option<SinkReportSender> {
        let (sink, ask) = RecoveringSink::of(sink);
        self.sinks.push(sink);
        ask
    }

    /// Compares what is written with the program, once the workers have built: what does not fit is an error of the start.
    /// Where the processes of a cluster have to come together first, it is looked at when they have.
    pub(crate) fn check(&mut self, board: &Board) -> Result<(), CheckpointError> {
        let StoredCheckpoint::Opened(opened) = &self.stored else { return Ok(()) };
        let mut operators = None;
        for _ in &self.workers {
            match self.built.try_recv() {
                Ok(built) => operators = Some(built),
                // It has failed, of which the supervisor hears.
                Err(_) => return Ok(()),
            }
        }
        let Some(operators) = operators else { return Ok(()) };
        let operators = self.marked(operators);
        let carried = self.carry(opened, &operators, 1)?;
        self.sink_ownership(CheckpointId(opened.identity()), opened).check(&self.sink_marks)?;
        if let Some(path) = &self.settings.lock_file {
            check_lock_file(path, self.pipeline, &operators)?;
        }
        self.warn(board, &operators);
        self.checked = Some(CheckedProgram { operators, carried });
        Ok(())
    }

    /// Logs the warnings about sources that lose records, once.
    fn warn(&self, board: &Board, operators: &[OperatorState]) {
        let warnings = lossy_sources::warnings(&self.sources, operators, self.feeds, &self.settings.losing);
        if board.warnings.set(warnings).is_ok() {
            board.warnings.get().into_iter().flatten().for_each(|warning| tracing::warn!("{warning}"));
        }
    }

    /// Which checkpoint the sinks must belong to.
    fn sink_ownership(&self, checkpoint: CheckpointId, opened: &Opened) -> SinkOwnership<'_> {
        let Checkpoint { holds_back, adopted, .. } = &self.settings;
        let head = opened.head().map(|(_, time)| time);
        SinkOwnership { checkpoint, head, holds_back: *holds_back, adopted }
    }

    /// Brings everything to the point from which the job resumes; returns the batches to replay.
    pub(crate) async fn begin(
        mut self,
        control: &Control,
        role: &mut Option<Role>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Result<Vec<ReplayMark>, JobError> {
        let (operators, carried) = match self.checked.take() {
            Some(CheckedProgram { operators, carried }) => (operators, Some(carried)),
            None => (self.built().await, None),
        };
        self.warn(&control.board, &operators);
        match role {
            Some(role) if !role.leads() => self.follow(control, role, &operators).await,
            role => self.lead(control, role, &operators, carried, commands).await,
        }
    }

    /// How these operators are made.
    fn marked(&self, mut operators: Vec<OperatorState>) -> Vec<OperatorState> {
        for operator in &mut operators {
            operator.mark = mark_of(self.marks, &operator.id);
        }
        operators
    }

    /// What the operators keep: each worker says the same.
    async fn built(&mut self) -> Vec<OperatorState> {
        let mut operators = Vec::new();
        for _ in &self.workers {
            match self.built.recv().await {
                Some(built) => operators = built,
                // A worker has failed, of which the supervisor hears.
                None => std::future::pending().await,
            }
        }
        self.marked(operators)
    }

    /// Resumes in the process that has the log.
    async fn lead(
        mut self,
        control: &Control,
        role: &mut Option<Role>,
        operators: &[OperatorState],
        carried: Option<CarriedState>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Result<Vec<ReplayMark>, JobError> {
        let StoredCheckpoint::Opened(opened) = self.stored.take() else { panic!("who leads has the log") };
        let checkpoint = CheckpointId(opened.identity());
        let processes = role.as_ref().map_or(1, |role| role.place().1);
        let CarriedState { edits, initial } = match carried {
            Some(carried) => carried,
            None => self.carry(&opened, operators, processes).map_err(JobError::Checkpoint)?,
        };
        let write_lock = self.check_lock_file(operators).await?;
        let mut reports = vec![self.report(0).await];
        let sink_ownership = self.sink_ownership(checkpoint, &opened);
        sink_ownership.check(&self.sink_marks).map_err(JobError::Checkpoint)?;
        if let Some(role) = role {
            reports.extend(role.built().await?);
        }
        let topology = Topology { processes: reports.len(), workers: self.workers_per_process };
        let at = self.resume_point(&opened, &reports, topology, control.interval)?;
        let program = self.program(&opened, operators, &initial, topology, at);
        let changed = changed_records(&opened, &program, &edits);
        role.iter().for_each(|role| role.restore(at, opened.head().map(|(epoch, _)| epoch), checkpoint));
        // Reading and syncing take their time, which is not this thread's.
        let opening = self.opening.take();
        let restored = blocking(move || {
            let (restored, place) = opened.restore(at, edits)?;
            refuse_changed(&changed, &restored)?;
            // If nobody waits for it any more, all is dropped in this order.
            Ok((restored, place, opening))
        });
        let (mut restored, place, opening) = restored.await?;
        absent(&restored, topology.processes).map_err(JobError::Checkpoint)?;
        if let Some(role) = role {
            // Whoever reads must have read before anything is put in order.
            role.restored().await?;
        }
        if let Some(write) = write_lock {
            blocking(write).await?;
        }
        let first = restored.at.unwrap_or(0);
        let with_state = if operators.is_empty() { 0 } else { topology.processes * topology.workers };
        let settings = self.settings.sizes();
        let (tell, failed) = log_callbacks(control, first, commands);
        let log = blocking(move || {
            let log = Log::start(place, program, settings, with_state, failed, tell)?;
            Ok((log, opening))
        });
        let (log, _) = log.await?;
        let durable = log.durable().borrow().epoch.and_then(|epoch| epoch.checked_sub(first));
        let job_log = JobLog::new(log.clone(), first, topology.processes, self.ahead(control), checkpoint);
        let replay = std::mem::take(&mut restored.replay);
        self.resume(control, restored, &replay, 0, (job_log, InputLog::Log(log)));
        role.iter().for_each(|role| role.let_begin(durable));
        Ok(replay)
    }

    /// Compares the lock file with what the operators keep; returns what writes it, if it is to be written.
    async fn check_lock_file(
        &self,
        operators: &[OperatorState],
    ) -> Result<Option<impl FnOnce() -> Result<(), CheckpointError> + Send + use<>>, JobError> {
        let Some(path) = self.settings.lock_file.clone() else { return Ok(None) };
        let (pipeline, operators) = (self.pipeline, operators.to_vec());
        blocking(move || check_lock_file(&path, pipeline, &operators)).await
    }

    /// The last batch that every sink has, behind which the job resumes.
    fn resume_point(
        &self,
        opened: &Opened,
        reports: &[ProcessReport],
        now: Topology,
        interval: Duration,
    ) -> Result<Option<Epoch>, JobError> {
        let emit_rhythms =
            self.sinks.iter().filter_map(|sink| Some((sink.port, sink.emit_rhythm.get()?.clone()))).collect();
        let progress = SinkProgress {
            opened,
            all: reports,
            now,
            exactly_once: self.settings.is_exactly_once(),
            holds_back: self.settings.holds_back,
            adopted: &self.settings.adopted,
            emit_rhythms,
            interval,
        };
        progress.last().map_err(JobError::Checkpoint)
    }

    /// Resumes in a process without the log.
    async fn follow(
        mut self,
        control: &Control,
        role: &mut Role,
        operators: &[OperatorState],
    ) -> Result<Vec<ReplayMark>, JobError> {
        let StoredCheckpoint::AtLeader { storage, messages } = self.stored.take() else {
            panic!("the leader has the log")
        };
        let (process, processes) = role.place();
        role.report_built(self.report(process).await);
        let (at, head, checkpoint) = role.told_to_restore().await;
        let opened = blocking(move || look(storage)).await?;
        let here = opened.head().map(|(epoch, _)| epoch);
        if here != head {
            let batches = |head: Option<Epoch>| {
                head.map_or("no batch".to_owned(), |head| format!("batches up to {head}"))
            };
            return Err(JobError::Checkpoint(CheckpointError::Incompatible {
                what: format!(
                    "its place has {} as process {process} sees it, and {} as process 0 does: it must be one place that all \
                     processes reach",
                    batches(here),
                    batches(head)
                ),
            }));
        }
        let CarriedState { edits, .. } =
            self.carry(&opened, operators, processes).map_err(JobError::Checkpoint)?;
        self.sink_ownership(checkpoint, &opened).check(&self.sink_marks).map_err(JobError::Checkpoint)?;
        let (mut restored, _place) = blocking(move || opened.restore(at, edits)).await?;
        let replay = std::mem::take(&mut restored.replay);
        let job_log = JobLog::elsewhere(messages.clone(), process as u32, self.ahead(control), checkpoint);
        let from = (process * self.sources.len()) as u32;
        self.resume(control, restored, &replay, process, (job_log, InputLog::LogMessages { messages, from }));
        role.report_restored();
        role.told_to_begin().await;
        Ok(replay)
    }

    /// Brings what is in this process to the point from which the job resumes.
    fn resume(
        self,
        control: &Control,
        mut restored: Restored,
        replay: &[ReplayMark],
        process: usize,
        (job_log, input_log): (JobLog, InputLog),
    ) {
        resume_sources(&self.sources, &mut restored, replay, process);
        tracing::info!(as_of = ?restored.time, again = replay.len(), "job goes on from its checkpoint");
        assert!(self.input_log.set(input_log).is_ok(), "a job has one log");
        let span = replay.first().zip(replay.last());
        let span = span.map(|(first, last)| ReplaySpan { first: first.time, last: last.time });
        let timeline = restored.timeline.clone();
        let batch = restored.time.map(|time| RestoredBatch { time, timeline });
        control.resume(batch, span, job_log);
        let restored = restored.at.is_some().then(|| Arc::new(restored));
        for worker in self.workers {
            // One that is gone has said why.
            let _ = worker.send(restored.clone());
        }
    }

    /// How many batches sinks may be ahead of the disk.
    fn ahead(&self, control: &Control) -> Epoch {
        if self.settings.holds_back { 0 } else { control.limit() as Epoch }
    }

    /// What this process reports before the resume point is known.
    async fn report(&mut self, process: usize) -> ProcessReport {
        let mut committed = Vec::new();
        for sink in &mut self.sinks {
            let Some(report) = sink.report.take() else { continue };
            // One that has failed says nothing, and the supervisor hears of it.
            let Ok(report) = report.await else { std::future::pending().await };
            let SinkReport { committed: batch, mark, skips_empty } = report;
            let has_lost_nothing = skips_empty && mark.is_some();
            committed.push(CommittedSink {
                port: sink.port.to_owned(),
                batch,
                skips_empty: has_lost_nothing,
            });
            for (port, known) in &mut self.sink_marks {
                if *port == sink.port && mark.is_some() {
                    *known = Ok(mark);
                }
            }
        }
        let told = committed.len() == self.sinks.len();
        ProcessReport { process, committed, told }
    }
}

impl StoredCheckpoint {
    fn take(&mut self) -> Self {
        std::mem::replace(self, StoredCheckpoint::Taken)
    }
}

/// Does what takes its time on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CheckpointError> + Send + 'static,
) -> Result<T, JobError> {
    let done = aside(work).await.unwrap_or_else(|lost| {
        Err(match lost {
            Lost::Panicked(panic) => panicked(&*panic),
            Lost::Refused(source) => {
                let (doing, file) = ("starting a thread for", "the checkpoint".to_owned());
                CheckpointError::Io { doing, file, source: Arc::new(source) }
            }
        })
    });
    done.map_err(JobError::Checkpoint)
}

/// Called by the log when batches are durable, and when it has failed.
type LogCallbacks = (Box<dyn Fn(Durable) + Send>, Box<dyn FnOnce(CheckpointError) + Send>);

/// What the log of a job calls that resumes at `first`.
fn log_callbacks(control: &Control, first: Epoch, commands: mpsc::UnboundedSender<Command>) -> LogCallbacks {
    let peers = control.peers().cloned();
    let durable = Box::new(move |durable: Durable| {
        // Batches before `first` are known to be there.
        let epoch = durable.epoch.and_then(|epoch| epoch.checked_sub(first));
        peers.iter().zip(epoch).for_each(|(peers, epoch)| peers.durable(epoch));
    });
    let failed = Box::new(move |error| drop(commands.send(Command::Fail(JobError::Checkpoint(error)))));
    (durable, failed)
}
