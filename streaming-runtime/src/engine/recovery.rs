//! How a job with checkpoints begins: what it goes on from, and which batches run again.
//!
//! ```text
//! start: lock and read the place          Engine::start, so that what is wrong with it is said there
//! workers build their dataflows, and say what their operators keep
//! does that fit what is written?          nothing was touched so far
//! transactional sinks say which batch they have
//! state as of the last batch that all sinks have for good -> workers; positions -> sources
//! batches behind it run again: same records, same times, no second delivery
//! ```

use std::{path::Path, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{
    Checkpoint, JobError,
    control::Control,
    job::Command,
    logged::Logged,
    supervisor::{Connectors, Paced, pace, source_ended, until},
    wiring::{Again, SinkTask, SourceTask, Tell},
};
use crate::{
    checkpoint::{
        AgainMark, CheckpointError, Declared, Edits, Log, Opened, OperatorEntry, OperatorState, Program,
        Restored, carry, carry_sources, read_lock, write_lock,
    },
    connect::{Cut, Delivery, Recovery},
    op::Renewed,
    stream::Epoch,
    time::BatchTime,
};

/// What a job with checkpoints has to do before its first batch.
pub(crate) struct Beginning {
    pub(crate) pipeline: &'static str,
    pub(crate) settings: Checkpoint,
    pub(crate) opened: Opened,
    pub(crate) built: mpsc::UnboundedReceiver<Vec<OperatorState>>,
    pub(crate) workers: Vec<oneshot::Sender<Option<Arc<Restored>>>>,
    pub(crate) sources: Vec<SourceAt>,
    pub(crate) sinks: Vec<SinkAt>,
    /// Dropped when nothing is opened any more: the place is free only then.
    pub(crate) opening: Option<mpsc::Sender<()>>,
    /// Where sources find the log for what they write down.
    pub(crate) journal: Arc<std::sync::OnceLock<Log>>,
}

/// A source, as its recovery sees it.
pub(crate) struct SourceAt {
    port: &'static str,
    recovery: Recovery,
    cut: Arc<Cut>,
    again: Again,
    /// Of which type the records are that are written down, if they are.
    records: Option<String>,
}

impl SourceAt {
    pub(crate) fn of(source: &SourceTask) -> Self {
        let SourceTask { port, recovery, cut, again, schema, .. } = source;
        let records = (*recovery == Recovery::Logged).then(|| format!("records of {}", schema()));
        SourceAt { port, recovery: *recovery, cut: cut.clone(), again: again.clone(), records }
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

    /// Brings all to where the job goes on; returns the batches that run again.
    pub(crate) async fn begin(
        mut self,
        control: &Control,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Result<Vec<AgainMark>, JobError> {
        let mut operators = Vec::new();
        for _ in &self.workers {
            match self.built.recv().await {
                Some(built) => operators = built,
                // A worker has failed, of which the supervisor hears.
                None => std::future::pending().await,
            }
        }
        let edits = self.carry(&operators).map_err(JobError::Checkpoint)?;
        if let Some(path) = &self.settings.lock_file {
            lock_file(path, self.pipeline, &operators).map_err(JobError::Checkpoint)?;
        }
        let committed = self.committed().await;
        let at = self.last_taken(&committed, control.interval).map_err(JobError::Checkpoint)?;
        let Beginning { pipeline, settings, opened, workers, sources, sinks, opening, journal, .. } = self;
        let program = Program {
            pipeline: pipeline.to_owned(),
            sources: sources.iter().map(|source| source.port.to_owned()).collect(),
            sinks: sinks.iter().map(|sink| sink.port.to_owned()).collect(),
            operators: operators
                .iter()
                .map(|operator| OperatorEntry { id: operator.id.clone(), state: operator.shape.to_string() })
                // Ids have a slash, ports have none.
                .chain(sources.iter().filter_map(|source| {
                    Some(OperatorEntry { id: source.port.to_owned(), state: source.records.clone()? })
                }))
                .collect(),
        };
        let misread = misread(&opened, &program, &edits);
        let sizes = settings.sizes();
        let with_state = if operators.is_empty() { 0 } else { workers.len() };
        // Reading and syncing take their time, which is not this thread's.
        let begun = tokio::task::spawn_blocking(move || {
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
            let failed =
                Box::new(move |error| drop(commands.send(Command::Fail(JobError::Checkpoint(error)))));
            let log = Log::start(place, program, sizes, with_state, failed, Box::new(|_| {}))?;
            // If nobody waits for it any more, all is dropped in this order.
            Ok((restored, log, opening))
        });
        let (mut restored, log, _) = match begun.await {
            Ok(begun) => begun.map_err(JobError::Checkpoint)?,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(_) => return Err(JobError::RuntimeGone),
            },
        };
        let again = std::mem::take(&mut restored.again);
        resume(&sources, &mut restored, &again);
        tracing::info!(as_of = ?restored.time, again = again.len(), "job goes on from its checkpoint");
        assert!(journal.set(log.clone()).is_ok(), "a job has one log");
        let first = again.first().map(|batch| batch.time);
        let log = Logged::new(log, restored.at.unwrap_or(0), settings.holds_back);
        control.go_on(restored.time, first, log);
        let restored = restored.at.is_some().then(|| Arc::new(restored));
        for worker in workers {
            // One that is gone has said why.
            let _ = worker.send(restored.clone());
        }
        Ok(again)
    }

    /// What is to be done for the state to fit these operators.
    fn carry(&self, operators: &[OperatorState]) -> Result<Edits, CheckpointError> {
        let written = self.opened.program().map(|program| program.operators.as_slice()).unwrap_or_default();
        let written = written.iter().filter(|entry| entry.id.contains('/')).map(|entry| {
            let shape = entry.state.parse().map_err(|error| CheckpointError::Incompatible {
                what: format!("operator `{}`: {error}", entry.id),
            })?;
            Ok(OperatorState { id: entry.id.clone(), shape })
        });
        let written: Vec<OperatorState> = written.collect::<Result<_, _>>()?;
        let Checkpoint { renamed, forgotten, .. } = self.settings.clone();
        let (of_operators, of_sources) = Declared { renamed, forgotten }.by_kind();
        let had = self.opened.program().map(|program| program.sources.as_slice()).unwrap_or_default();
        let has: Vec<&str> = self.sources.iter().map(|source| source.port).collect();
        let sources = carry_sources(had, &has, &of_sources);
        let carried = carry(&written, operators, &of_operators);
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
        let of = self.opened.program().map_or(self.pipeline, |program| program.pipeline.as_str());
        if of != self.pipeline && carried.kept.is_empty() {
            return Err(CheckpointError::Incompatible {
                what: format!(
                    "it is of the pipeline `{of}`, and this is `{}`: give it a directory of its own, or its old name",
                    self.pipeline
                ),
            });
        }
        let rename = carried.kept.into_iter().filter(|(old, new)| old != new).chain(sources.rename).collect();
        Ok(Edits { rename, forget: carried.forgotten.into_iter().chain(sources.forget).collect() })
    }

    /// What the transactional sinks have, by port.
    async fn committed(&mut self) -> Vec<(&'static str, Option<BatchTime>)> {
        let mut all = Vec::new();
        for sink in &mut self.sinks {
            if let Some(committed) = sink.committed.take() {
                match committed.await {
                    Ok(batch) => all.push((sink.port, batch)),
                    // The sink has failed, of which the supervisor hears.
                    Err(_) => std::future::pending().await,
                }
            }
        }
        all
    }

    /// The last batch that every sink has for good.
    fn last_taken(
        &self,
        committed: &[(&'static str, Option<BatchTime>)],
        interval: Duration,
    ) -> Result<Option<Epoch>, CheckpointError> {
        let Some((head, head_time)) = self.opened.head() else { return Ok(None) };
        let base = self.opened.base();
        let program = self.opened.program();
        // What cannot be sent again is in the state only, so the state is the last there is.
        let lost = self.sources.iter().any(|source| source.recovery == Recovery::Lost);
        let told_by_all = committed.len() == self.sinks.len();
        let mut at = if lost || told_by_all { Some(head) } else { self.opened.delivered() };
        for &(port, batch) in committed {
            let is_known = program.is_some_and(|program| program.sinks.iter().any(|known| known == port));
            match batch {
                // A port that is new begins with what is new.
                None if !is_known => continue,
                Some(batch) if batch > head_time => {
                    return Err(CheckpointError::Behind { port: port.to_owned(), batch });
                }
                _ => {}
            }
            let taken = self.taken(port, batch, (head, interval));
            let epoch = taken.map_err(|base| CheckpointError::Lost { port: port.to_owned(), base })?;
            if !lost {
                at = at.min(epoch);
            }
        }
        Ok(at.max(base.map(|(epoch, _)| epoch)))
    }

    /// The last batch up to which a sink lacks nothing that has all up to `batch`. The error is the time of the base, if
    /// something is lacking from before that.
    fn taken(
        &self,
        port: &str,
        batch: Option<BatchTime>,
        (head, interval): (Epoch, Duration),
    ) -> Result<Option<Epoch>, BatchTime> {
        let base = self.opened.base();
        let sink = self.sinks.iter().find(|sink| sink.port == port);
        let every = sink.and_then(|sink| sink.renewed.get().copied().flatten());
        let Some(every) = every else {
            let epoch = batch.and_then(|batch| self.opened.epoch_of(batch));
            return match base {
                Some((base, time)) if epoch.is_none_or(|epoch| epoch < base) => Err(time),
                _ => Ok(epoch),
            };
        };
        // It gets a batch at each slide of its window only, and does not lack those in between.
        if let Some((base, time)) = base {
            let due = time.at_or_last_multiple_of(every);
            // Batches are an interval apart at most, so the first of all was then or later.
            let first = u128::from(time.as_nanos()).saturating_sub(u128::from(base) * interval.as_nanos());
            if u128::from(due.as_nanos()) >= first && batch.is_none_or(|batch| batch < due) {
                return Err(time);
            }
        }
        let is_next = |time: BatchTime| batch.is_none_or(|batch| time > batch) && time.is_multiple_of(every);
        match self.opened.batches().find(|&(_, time)| is_next(time)) {
            Some((next, _)) => Ok(next.checked_sub(1)),
            None => Ok(Some(head)),
        }
    }
}

/// The ports whose records are written down as another type than before, with both.
fn misread(opened: &Opened, program: &Program, edits: &Edits) -> Vec<(String, String, String)> {
    let written = opened.program().map(|program| program.operators.as_slice()).unwrap_or_default();
    let ports = written.iter().filter(|entry| !entry.id.contains('/'));
    let now = |port: &str| program.operators.iter().find(|entry| entry.id == port);
    ports
        .filter_map(|was| {
            let is = now(edits.rename.get(&was.id).unwrap_or(&was.id))?;
            (is.state != was.state).then(|| (is.id.clone(), was.state.clone(), is.state.clone()))
        })
        .collect()
}

/// Makes the file that is committed beside the program, or sees that it still says what the operators keep.
fn lock_file(path: &Path, pipeline: &str, operators: &[OperatorState]) -> Result<(), CheckpointError> {
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
        _ => return std::fs::write(path, text).map_err(failed("writing")),
    };
    if written == text {
        return Ok(());
    }
    let refused = |what| CheckpointError::Incompatible { what };
    let (_, known) = read_lock(&written).map_err(|error| refused(format!("`{name}`: {error}")))?;
    let only = |these: &[OperatorState], those: &[OperatorState], sign: &str| -> Vec<String> {
        let others = these.iter().filter(|operator| !those.contains(operator));
        others.map(|operator| format!("{sign} `{}`: {}", operator.id, operator.shape)).collect()
    };
    let differences = [only(&known, operators, "-"), only(operators, &known, "+")].concat();
    Err(refused(format!(
        "`{name}` says otherwise what the operators keep: {}. If that is meant, start once with `STREAMING_LOCK=update` \
         and commit the file",
        differences.join(", ")
    )))
}

/// Brings the sources to where they go on, and tells which batches run again.
fn resume(sources: &[SourceAt], restored: &mut Restored, again: &[AgainMark]) {
    let open = if restored.at.is_some() { 1 } else { 0 };
    for source in sources {
        let of = |marks: &[(String, crate::checkpoint::SourceMark)]| {
            marks.iter().find(|(port, _)| port == source.port).map(|(_, mark)| mark.clone())
        };
        let mark = of(&restored.sources).unwrap_or_default();
        let again = again.iter().map(|batch| of(&batch.sources).unwrap_or_default());
        source.cut.resume(open, mark, source.recovery, again.collect());
        if source.recovery == Recovery::Logged {
            let inputs = restored.inputs.remove(source.port).unwrap_or_default();
            *source.again.lock().expect("nothing panics under this lock") = inputs;
        }
    }
}

/// Runs batches again: each gets the records that it had.
pub(super) async fn run_again(
    control: &Control,
    sources: &mut Connectors,
    paced: &mut Vec<Paced>,
    again: Vec<AgainMark>,
) -> Result<(), JobError> {
    for batch in again {
        until(control, Control::has_room).await;
        pace(control, sources, paced, batch.time).await?;
        let replay = |index: usize, missing: u64, surplus: u64| {
            let port = control.source(index);
            let mark = batch.sources.iter().find(|(of, _)| of == port);
            let records = mark.map_or(0, |(_, mark)| mark.records);
            Err(JobError::Replay { port, batch: batch.time, records, again: records - missing + surplus })
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
        while !control.close(batch.time) {
            until(control, Control::has_room).await;
        }
    }
    control.is_live();
    Ok(())
}
