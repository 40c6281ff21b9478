//! How a job with checkpoints begins: what it goes on from, and which batches run again.
//!
//! ```text
//! start: lock and read the place          in Engine::start, which reports what is wrong with it
//! workers build their dataflows, and report what their operators store
//! does that fit what is written?          nothing was touched so far
//! transactional sinks report their last batch
//! state as of the last batch that all sinks have committed -> workers; positions -> sources
//! batches behind it run again: same records, same times, no second delivery
//! ```

mod lossy_sources;
pub(crate) mod resume_point;
mod sink_marks;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    checkpoint::{
        AgainMark, Calls, CheckpointError, Comes, Declared, Durable, Edits, Initial, Log, Opened,
        OperatorEntry, OperatorState, Program, Restored, SinkEntry, SourceEntry, SourceMark, StateShape,
        Storage, carry, carry_sources, exchanged, look, mark_of, read_lock, write_lock,
    },
    contract::{checkpoint_mark::CheckpointId, sink::Delivery, source::Recovery},
    detached::{Lost, aside},
    engine::{
        checkpoint_settings::{Checkpoint, panicked},
        cluster::{Built, Role},
        connector_threads::Connectors,
        control::Control,
        job::Command,
        job_log::{InputLog, JobLog, Notes},
        resume::{
            resume_point::{SinkProgress, Topology, absent},
            sink_marks::Belonging,
        },
        supervisor::{Paced, pace, source_ended, until},
        wiring::{Replay, SinkMark, SinkTask, SourceTask, Tell},
    },
    error::JobError,
    ids::Epoch,
    intake::progress::SourceProgress,
    observe::metrics::Board,
    operators::sink::Renewed,
    schema::Schema,
    time::BatchTime,
};

/// What a job with checkpoints has to do before its first batch.
pub(crate) struct Beginning {
    pub(crate) pipeline: &'static str,
    /// How its operators are made.
    pub(crate) marks: &'static [&'static str],
    /// The sources of each operator.
    pub(crate) feeds: &'static [(&'static str, &'static [&'static str])],
    pub(crate) settings: Checkpoint,
    /// What the storage is being asked for.
    pub(crate) calls: Calls,
    pub(crate) written: Written,
    /// How many workers each process has.
    pub(crate) each: usize,
    pub(crate) built: mpsc::UnboundedReceiver<Vec<OperatorState>>,
    /// What the operators keep and what is to be done for what is written to fit them, if it was looked at already.
    pub(crate) checked: Option<(Vec<OperatorState>, Fit)>,
    pub(crate) workers: Vec<oneshot::Sender<Option<Arc<Restored>>>>,
    pub(crate) sources: Vec<SourceAt>,
    pub(crate) sinks: Vec<SinkAt>,
    /// What sinks know of the checkpoint that they belong to.
    pub(crate) sink_marks: Vec<(&'static str, SinkMark)>,
    /// Dropped when nothing is opened any more: the place is free only then.
    pub(crate) opening: Option<mpsc::Sender<()>>,
    /// Where sources find the log for what they write down.
    pub(crate) journal: Arc<OnceLock<InputLog>>,
}

/// How a program fits what is written.
pub(crate) struct Fit {
    /// What is to be done for it.
    edits: Edits,
    /// With which initial states its operators began.
    begun: Vec<Option<u64>>,
}

/// What is written of the job.
pub(crate) enum Written {
    /// It was read, and is this process's to go on with.
    Here(Box<Opened>),
    /// The leader has it; it is read here when that says so.
    AtLeader { storage: Arc<dyn Storage>, notes: Arc<Notes> },
    /// It was looked at.
    SinkProgress,
}

/// A source, as its recovery sees it.
pub(crate) struct SourceAt {
    port: &'static str,
    recovery: Recovery,
    cut: Arc<SourceProgress>,
    again: Replay,
    comes: Comes,
    /// Why its records cannot be logged.
    fault: Option<String>,
}

impl SourceAt {
    pub(crate) fn of(source: &SourceTask) -> Self {
        let SourceTask { port, recovery, cut, again, schema, .. } = source;
        let (comes, fault) = match recovery {
            Recovery::Lost => (Comes::Never, None),
            Recovery::Replays => (Comes::FromSource, None),
            Recovery::JobLog => {
                let Schema { text, fault } = schema();
                (Comes::FromLog { records: format!("records of {text}") }, fault)
            }
        };
        SourceAt { port, recovery: *recovery, cut: cut.clone(), again: again.clone(), comes, fault }
    }
}

impl SourceAt {
    pub(crate) fn port(&self) -> &'static str {
        self.port
    }

    pub(crate) fn recovery(&self) -> Recovery {
        self.recovery
    }
}

/// A sink, as its recovery sees it.
pub(crate) struct SinkAt {
    port: &'static str,
    renewed: Renewed,
    /// What a transactional one has.
    committed: Option<oneshot::Receiver<Option<BatchTime>>>,
}

impl SinkAt {
    /// A sink, and where it is to say what it has.
    fn of(sink: &SinkTask) -> (Self, Option<Tell>) {
        let (ask, committed) = match sink.delivery {
            Delivery::Transactional => Some(oneshot::channel()).unzip(),
            Delivery::AtLeastOnce | Delivery::Idempotent => (None, None),
        };
        (SinkAt { port: sink.port, renewed: sink.renewed.clone(), committed }, ask)
    }
}

impl Beginning {
    /// One more sink; returns where it is to say what it has, if it is to.
    pub(crate) fn sink(&mut self, sink: &SinkTask) -> Option<Tell> {
        let (sink, ask) = SinkAt::of(sink);
        self.sinks.push(sink);
        ask
    }

    /// Compares what is written with the program, once the workers have built: what does not fit is an error of the start.
    /// Where the processes of a cluster have to come together first, it is looked at when they have.
    pub(crate) fn check(&mut self, board: &Board) -> Result<(), CheckpointError> {
        let Written::Here(opened) = &self.written else { return Ok(()) };
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
        let fit = self.carry(opened, &operators, 1)?;
        self.belonging(CheckpointId(opened.identity()), opened).check(&self.sink_marks)?;
        if let Some(path) = &self.settings.lock_file {
            lock_file(path, self.pipeline, &operators)?;
        }
        self.warn(board, &operators);
        self.checked = Some((operators, fit));
        Ok(())
    }

    /// Says what the author should know, if it was not said yet.
    fn warn(&self, board: &Board, operators: &[OperatorState]) {
        let warnings = lossy_sources::warnings(&self.sources, operators, self.feeds, &self.settings.losing);
        if board.warnings.set(warnings).is_ok() {
            board.warnings.get().into_iter().flatten().for_each(|warning| tracing::warn!("{warning}"));
        }
    }

    /// Which checkpoint the sinks must belong to.
    fn belonging(&self, checkpoint: CheckpointId, opened: &Opened) -> Belonging<'_> {
        let Checkpoint { holds_back, adopted, .. } = &self.settings;
        let head = opened.head().map(|(_, time)| time);
        Belonging { checkpoint, head, holds_back: *holds_back, adopted }
    }

    /// Brings all to where the job goes on; returns the batches that run again.
    pub(crate) async fn begin(
        mut self,
        control: &Control,
        role: &mut Option<Role>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Result<Vec<AgainMark>, JobError> {
        let (operators, fit) = match self.checked.take() {
            Some((operators, fit)) => (operators, Some(fit)),
            None => (self.built().await, None),
        };
        self.warn(&control.board, &operators);
        match role {
            Some(role) if !role.leads() => self.follow(control, role, &operators).await,
            role => self.lead(control, role, &operators, fit, commands).await,
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

    /// In the process that has the log.
    async fn lead(
        mut self,
        control: &Control,
        role: &mut Option<Role>,
        operators: &[OperatorState],
        fit: Option<Fit>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Result<Vec<AgainMark>, JobError> {
        let Written::Here(opened) = self.written.take() else { panic!("who leads has the log") };
        let processes = role.as_ref().map_or(1, |role| role.place().1);
        let Fit { edits, begun } = match fit {
            Some(fit) => fit,
            None => {
                let fit = self.carry(&opened, operators, processes).map_err(JobError::Checkpoint)?;
                let belonging = self.belonging(CheckpointId(opened.identity()), &opened);
                belonging.check(&self.sink_marks).map_err(JobError::Checkpoint)?;
                fit
            }
        };
        let checkpoint = CheckpointId(opened.identity());
        let lock = match self.settings.lock_file.clone() {
            Some(path) => {
                let (pipeline, operators) = (self.pipeline, operators.to_vec());
                blocking(move || lock_file(&path, pipeline, &operators)).await?
            }
            None => None,
        };
        let mut all = vec![self.has(0).await];
        if let Some(role) = role {
            all.extend(role.built().await?);
        }
        let now = Topology { processes: all.len(), workers: self.each };
        let (exactly_once, holds_back) = (self.settings.is_exactly_once(), self.settings.holds_back);
        let renewed =
            self.sinks.iter().filter_map(|sink| Some((sink.port, sink.renewed.get()?.clone()))).collect();
        let interval = control.interval;
        let at =
            SinkProgress { opened: &opened, all: &all, now, exactly_once, holds_back, renewed, interval }
                .last();
        let at = at.map_err(JobError::Checkpoint)?;
        let program = self.program(&opened, (operators, &begun), now, at);
        let misread = misread(&opened, &program, &edits);
        let sizes = self.settings.sizes();
        role.iter().for_each(|role| role.restore(at, opened.head().map(|(epoch, _)| epoch), checkpoint));
        // Reading and syncing take their time, which is not this thread's.
        let opening = self.opening.take();
        let restored = blocking(move || {
            let (restored, place) = opened.restore(at, edits)?;
            for (port, was, is) in misread {
                if restored.inputs.get(&port).is_some_and(|inputs| !inputs.is_empty()) {
                    let what = format!(
                        "source `{port}`: the log has {was} that are in no batch yet, and the source now sends {is}: start the \
                         program that wrote them once more and stop it in order, then they are"
                    );
                    return Err(CheckpointError::Incompatible { what });
                }
            }
            // If nobody waits for it any more, all is dropped in this order.
            Ok((restored, place, opening))
        });
        let (mut restored, place, opening) = restored.await?;
        absent(&restored, now.processes).map_err(JobError::Checkpoint)?;
        if let Some(role) = role {
            // Whoever reads must have read before anything is put in order.
            role.restored().await?;
        }
        if let Some(write) = lock {
            blocking(write).await?;
        }
        let first = restored.at.unwrap_or(0);
        let peers = control.peers().cloned();
        let tell = Box::new(move |durable: Durable| {
            // Batches of before are known to be there.
            let epoch = durable.epoch.and_then(|epoch| epoch.checked_sub(first));
            peers.iter().zip(epoch).for_each(|(peers, epoch)| peers.durable(epoch));
        });
        let failed = Box::new(move |error| drop(commands.send(Command::Fail(JobError::Checkpoint(error)))));
        let with_state = if operators.is_empty() { 0 } else { now.processes * now.workers };
        let log = blocking(move || {
            let log = Log::start(place, program, sizes, with_state, failed, tell)?;
            Ok((log, opening))
        });
        let (log, _) = log.await?;
        let durable = log.durable().borrow().epoch.and_then(|epoch| epoch.checked_sub(first));
        let logged = JobLog::new(log.clone(), first, now.processes, self.ahead(control), checkpoint);
        let again = std::mem::take(&mut restored.again);
        self.go_on(control, restored, &again, 0, (logged, InputLog::Log(log)));
        role.iter().for_each(|role| role.let_begin(durable));
        Ok(again)
    }

    /// In a process that has none.
    async fn follow(
        mut self,
        control: &Control,
        role: &mut Role,
        operators: &[OperatorState],
    ) -> Result<Vec<AgainMark>, JobError> {
        let Written::AtLeader { storage, notes } = self.written.take() else {
            panic!("the leader has the log")
        };
        let (process, processes) = role.place();
        role.report_built(self.has(process).await);
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
        let Fit { edits, .. } = self.carry(&opened, operators, processes).map_err(JobError::Checkpoint)?;
        self.belonging(checkpoint, &opened).check(&self.sink_marks).map_err(JobError::Checkpoint)?;
        let (mut restored, _place) = blocking(move || opened.restore(at, edits)).await?;
        let again = std::mem::take(&mut restored.again);
        let logged = JobLog::elsewhere(notes.clone(), process as u32, self.ahead(control), checkpoint);
        let from = (process * self.sources.len()) as u32;
        self.go_on(control, restored, &again, process, (logged, InputLog::Notes { notes, from }));
        role.report_restored();
        role.told_to_begin().await;
        Ok(again)
    }

    /// Brings what is in this process to where the job goes on.
    fn go_on(
        self,
        control: &Control,
        mut restored: Restored,
        again: &[AgainMark],
        process: usize,
        (log, scribe): (JobLog, InputLog),
    ) {
        resume(&self.sources, &mut restored, again, process);
        tracing::info!(as_of = ?restored.time, again = again.len(), "job goes on from its checkpoint");
        assert!(self.journal.set(scribe).is_ok(), "a job has one log");
        let ends = again.first().zip(again.last());
        let before = restored.time.map(|time| (time, restored.timeline.clone()));
        control.go_on(before, ends.map(|(first, last)| (first.time, last.time)), log);
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

    /// The sources of all processes.
    fn sources(&self, processes: usize) -> Vec<SourceEntry> {
        let of = |process, source: &SourceAt| SourceEntry {
            port: port_of(process, source.port),
            comes: source.comes.clone(),
        };
        (0..processes)
            .flat_map(|process| self.sources.iter().map(move |source| of(process, source)))
            .collect()
    }

    /// Who writes, behind `at`.
    fn program(
        &self,
        opened: &Opened,
        (operators, begun): (&[OperatorState], &[Option<u64>]),
        now: Topology,
        at: Option<Epoch>,
    ) -> Program {
        let then = opened.program();
        let at = at.and_then(|at| opened.time_of(at));
        let moved = match then {
            Some(then) if Topology::of(then) == now => then.moved,
            Some(_) => at,
            None => None,
        };
        let sinks = self.sinks.iter().map(|sink| {
            let known = then.and_then(|then| then.sinks.iter().find(|known| known.port == sink.port));
            SinkEntry { port: sink.port.to_owned(), since: known.map_or(at, |known| known.since) }
        });
        Program {
            pipeline: self.pipeline.to_owned(),
            sources: self.sources(now.processes),
            sinks: sinks.collect(),
            processes: now.processes as u32,
            workers: now.workers as u32,
            moved,
            operators: operators
                .iter()
                .zip(begun)
                .map(|(OperatorState { id, shape, mark, .. }, initial)| OperatorEntry {
                    id: id.clone(),
                    state: shape.to_string(),
                    mark: mark.clone(),
                    initial: *initial,
                })
                .collect(),
            identity: Some(opened.identity()),
        }
    }

    /// What cannot be kept, of operators and of sources whose records are logged.
    fn faults<'a>(&'a self, operators: &'a [OperatorState]) -> impl Iterator<Item = CheckpointError> + 'a {
        let of_operators =
            operators.iter().filter_map(|operator| Some(operator.shape.fault.as_ref()?.of(&operator.id)));
        let of_sources = self.sources.iter().filter_map(|source| {
            let what = source.fault.clone()?;
            Some(CheckpointError::Unreadable { of: format!("source `{}`", source.port), what })
        });
        of_operators.chain(of_sources)
    }

    /// What is to be done for the state to fit these operators.
    fn carry(
        &self,
        opened: &Opened,
        operators: &[OperatorState],
        processes: usize,
    ) -> Result<Fit, CheckpointError> {
        if let Some(fault) = self.faults(operators).next() {
            return Err(fault);
        }
        let Checkpoint { renamed, forgotten, keeps, .. } = self.settings.clone();
        if let Some(id) = keeps.iter().find(|id| operators.iter().all(|operator| operator.id != **id)) {
            let what = format!(
                "`.keeps({id:?})` is declared, and the program has no stateful operator of that id: correct the name, or remove it"
            );
            return Err(CheckpointError::Incompatible { what });
        }
        let is_kept = |old: &str| {
            let new = renamed.iter().find(|(from, _)| from == old).map_or(old, |(_, to)| to);
            keeps.iter().any(|id| id == new)
        };
        // What an older version wrote says nothing of parameters and initial states.
        let says_all = opened.program().is_some_and(|program| program.identity.is_some());
        let entries = opened.program().map(|program| program.operators.as_slice()).unwrap_or_default();
        let written = entries.iter().map(|entry| {
            let mut shape: StateShape = entry.state.parse().map_err(|error| {
                CheckpointError::Incompatible { what: format!("operator `{}`: {error}", entry.id) }
            })?;
            if says_all {
                shape.with.get_or_insert_default();
            }
            let initial = match says_all && opened.has_state_of(&entry.id) {
                true if !is_kept(&entry.id) => Initial::of(entry.initial),
                _ => Initial::Any,
            };
            Ok(OperatorState { id: entry.id.clone(), shape, mark: entry.mark.clone(), initial })
        });
        let written: Vec<OperatorState> = written.collect::<Result<_, _>>()?;
        let had = opened.program().map(|program| program.sources.as_slice()).unwrap_or_default();
        let has = self.sources(processes);
        let is_source = |id: &str| had.iter().chain(&has).any(|source| source.port == id);
        let (of_operators, of_sources) = Declared { renamed, forgotten }.parted(is_source);
        let of_sources = everywhere(of_sources, opened, processes);
        // Those of a process that is gone are looked at when it is known how far they were.
        let is_asked = |source: &&SourceEntry| {
            process_of(&source.port).0 < processes || of_sources.forgotten.contains(&source.port)
        };
        let had: Vec<SourceEntry> = had.iter().filter(is_asked).cloned().collect();
        let sources = carry_sources(&had, &has, &of_sources);
        let carried = carry(&written, operators, &of_operators).and_then(|carried| {
            let asked = exchanged(&written, operators, &carried.kept, &self.settings.keeps);
            if asked.is_empty() { Ok(carried) } else { Err(asked) }
        });
        let (sources, carried) = match (sources, carried) {
            (Ok(sources), Ok(carried)) => (sources, carried),
            (sources, carried) => {
                let mut all = sources.err().unwrap_or_default();
                all.extend(carried.err().iter().flatten().map(ToString::to_string));
                return Err(CheckpointError::Incompatible { what: all.join("; ") });
            }
        };
        for done in &carried.done {
            tracing::warn!("the checkpoint's declaration of {done} was carried out already: remove it");
        }
        let of = opened.program().map_or(self.pipeline, |program| program.pipeline.as_str());
        if of != self.pipeline && carried.kept.is_empty() {
            return Err(CheckpointError::Incompatible {
                what: format!(
                    "it is of the pipeline `{of}`, and this is `{}`: give it a directory of its own, or its old name",
                    self.pipeline
                ),
            });
        }
        let begun = operators.iter().map(|operator| {
            let old = carried.kept.iter().find(|(_, new)| *new == operator.id).map(|(old, _)| old.as_str());
            // It goes on with what it began with, if it has and that is known.
            let began = old.filter(|old| says_all && opened.has_state_of(old));
            match began.and_then(|old| entries.iter().find(|entry| entry.id == old)) {
                Some(entry) => entry.initial,
                None => operator.initial.fingerprint(),
            }
        });
        let begun = begun.collect();
        let rename = carried.kept.into_iter().filter(|(old, new)| old != new).chain(sources.rename).collect();
        let forget = carried.forgotten.into_iter().chain(sources.forget).collect();
        Ok(Fit { edits: Edits { rename, forget }, begun })
    }

    /// What this process has to say before it is known where the job goes on.
    async fn has(&mut self, process: usize) -> Built {
        let mut committed = Vec::new();
        for sink in &mut self.sinks {
            if let Some(batch) = sink.committed.take() {
                match batch.await {
                    Ok(batch) => committed.push((sink.port.to_owned(), batch)),
                    // The sink has failed, of which the supervisor hears.
                    Err(_) => std::future::pending().await,
                }
            }
        }
        let told = committed.len() == self.sinks.len();
        Built { process, committed, told }
    }
}

impl Written {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Written::SinkProgress)
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

/// What a source is called in the log: those of the leader as they are.
fn port_of(process: usize, port: &str) -> String {
    if process == 0 { port.to_owned() } else { format!("{port}@{process}") }
}

/// The process of a source in the log, and what it is called there.
pub(crate) fn process_of(port: &str) -> (usize, &str) {
    let parts = port.rsplit_once('@').and_then(|(port, process)| Some((process.parse().ok()?, port)));
    parts.unwrap_or((0, port))
}

/// The ports whose records are written down as another type than before, with both.
fn misread(opened: &Opened, program: &Program, edits: &Edits) -> Vec<(String, String, String)> {
    let mut misread = Vec::new();
    for SourceEntry { port, comes } in opened.program().map(|program| &program.sources).into_iter().flatten()
    {
        let port = edits.rename.get(port).unwrap_or(port);
        let is = program.sources.iter().find(|source| source.port == *port).map(|source| &source.comes);
        if let (Comes::FromLog { records: was }, Some(Comes::FromLog { records: is })) = (comes, is)
            && was != is
        {
            misread.push((port.clone(), was.clone(), is.clone()));
        }
    }
    misread
}

/// What is declared of sources, for those of each process: one that is named with its process is meant alone.
fn everywhere(declared: Declared, opened: &Opened, processes: usize) -> Declared {
    let then = opened.program().map_or(0, |program| program.processes as usize);
    let of = |port: &str, process| if port.contains('@') { port.to_owned() } else { port_of(process, port) };
    let mut all = Declared::default();
    for process in 0..processes.max(then) {
        let renamed = declared.renamed.iter().map(|(old, new)| (of(old, process), of(new, process)));
        all.renamed.extend(renamed);
        all.forgotten.extend(declared.forgotten.iter().map(|port| of(port, process)));
    }
    all
}

/// Sees whether the file that is committed beside the program still says what the operators keep; or returns what writes
/// it, for when nothing else is in the way.
fn lock_file(
    path: &Path,
    pipeline: &str,
    operators: &[OperatorState],
) -> Result<Option<impl FnOnce() -> Result<(), CheckpointError> + Send + use<>>, CheckpointError> {
    let name = path.display().to_string();
    let failed = |doing| {
        let file = name.clone();
        move |source| CheckpointError::Io { doing, file, source: Arc::new(source) }
    };
    let text = write_lock(pipeline, operators);
    let is_renewed = std::env::var_os("STREAMING_LOCK").is_some_and(|value| value == "update");
    let written = match std::fs::read_to_string(path) {
        Ok(written) if !is_renewed => written,
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed("reading")(error));
        }
        _ => {
            let (path, failed) = (path.to_owned(), failed("writing"));
            return Ok(Some(move || std::fs::write(path, text).map_err(failed)));
        }
    };
    if written == text {
        return Ok(None);
    }
    let refused = |what| CheckpointError::Incompatible { what };
    let (_, known) = read_lock(&written).map_err(|error| refused(format!("`{name}`: {error}")))?;
    let is_there = |written: &OperatorState| {
        operators.iter().any(|is| is.id == written.id && is.shape.is_as(&written.shape))
    };
    let is_known = |is: &OperatorState| {
        known.iter().any(|written| is.id == written.id && is.shape.is_as(&written.shape))
    };
    let gone = known.iter().filter(|written| !is_there(written)).map(|operator| ("-", operator));
    let new = operators.iter().filter(|is| !is_known(is)).map(|operator| ("+", operator));
    let differences: Vec<String> = gone
        .chain(new)
        .map(|(sign, OperatorState { id, shape, .. })| format!("{sign} `{id}`: {shape}"))
        .collect();
    if differences.is_empty() {
        // It is of before there was all that is in it now.
        return Ok(None);
    }
    Err(refused(format!(
        "`{name}` says otherwise what the operators keep: {}. If that is meant, start once with `STREAMING_LOCK=update` \
         and commit the file",
        differences.join(", ")
    )))
}

/// Brings the sources of a process to where they go on, and tells which batches run again.
fn resume(sources: &[SourceAt], restored: &mut Restored, again: &[AgainMark], process: usize) {
    let open = if restored.at.is_some() { 1 } else { 0 };
    for source in sources {
        let name = port_of(process, source.port);
        let of = |marks: &[(String, SourceMark)]| {
            marks.iter().find(|(port, _)| *port == name).map(|(_, mark)| mark.clone())
        };
        let mark = of(&restored.sources).unwrap_or_default();
        let mut before = mark.clone();
        let again = again.iter().map(|batch| {
            // A source that was not there moved nowhere.
            before = of(&batch.sources).unwrap_or(SourceMark { records: 0, ..before.clone() });
            before.clone()
        });
        source.cut.resume(open, mark, source.recovery, again.collect());
        if source.recovery == Recovery::JobLog {
            let inputs = restored.inputs.remove(&name).unwrap_or_default();
            *source.again.lock().expect("nothing panics under this lock") = inputs;
        }
    }
}

/// Runs batches again: each gets the records that it had.
pub(crate) async fn run_again(
    control: &Control,
    sources: &mut Connectors,
    paced: &[Paced],
    role: &mut Option<Role>,
    again: Vec<AgainMark>,
) -> Result<(), JobError> {
    for batch in again {
        until(control, Control::has_room).await;
        role.iter().for_each(|role| role.ask(batch.time));
        pace(control, sources, paced, batch.time).await?;
        fill(control, sources, batch.time).await?;
        if let Some(role) = role {
            role.paced(batch.time).await;
        }
        while !control.close(batch.time, batch.follows) {
            until(control, Control::has_room).await;
        }
    }
    Ok(())
}

/// Waits until the open batch, if it runs again, has what it had of the sources here.
pub(crate) async fn fill(
    control: &Control,
    sources: &mut Connectors,
    batch: BatchTime,
) -> Result<(), JobError> {
    let replay = |index: usize, missing: u64, surplus: u64| {
        let (port, records) = (control.source(index), control.had(index));
        Err(JobError::Replay { port, batch, records, again: records - missing + surplus })
    };
    if let Some((index, surplus)) = control.surplus() {
        return replay(index, 0, surplus);
    }
    // A paced source has sent all that it will, as has one that has ended.
    let sends_no_more = |sources: &Connectors, index| control.is_paced(index) || sources.has_ended(index);
    while let Some(&(index, _)) = control.lacking().first() {
        if let Some(&(index, missing)) =
            control.lacking().iter().find(|(index, _)| sends_no_more(sources, *index))
        {
            return replay(index, missing, 0);
        }
        tokio::select! {
            biased;
            () = control.filled(index) => {}
            Some(ended) = sources.join_next(source_ended) => ended?,
        }
    }
    Ok(())
}
