//! Whether the stored state fits the program, and what is changed for it to fit.

use crate::{
    checkpoint::{
        CheckpointError, Declared, Edits, Opened, OperatorEntry, OperatorState, Program, SinkEntry,
        SourceEntry, carry, carry_sources, exchanged,
    },
    engine::{
        checkpoint_settings::Checkpoint,
        resume::{
            carried_state::{CarriedState, initial_states, stored_operators},
            connectors::RecoveringSource,
            job_recovery::JobRecovery,
            port_names::{in_each_process, port_of, process_of},
            resume_point::Topology,
        },
    },
    ids::Epoch,
};

impl JobRecovery {
    /// The sources of all processes.
    fn sources(&self, processes: usize) -> Vec<SourceEntry> {
        let of = |process, source: &RecoveringSource| SourceEntry {
            port: port_of(process, source.port),
            replay_origin: source.replay_origin.clone(),
        };
        (0..processes)
            .flat_map(|process| self.sources.iter().map(move |source| of(process, source)))
            .collect()
    }

    /// The program that writes to the log behind `at`.
    pub(super) fn program(
        &self,
        opened: &Opened,
        operators: &[OperatorState],
        initial: &[Option<u64>],
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
                .zip(initial)
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

    /// How the stored state is carried over to these operators.
    ///
    /// # Errors
    /// It cannot be: an operator or a source is gone or keeps something else, and nothing is declared about it.
    pub(super) fn carry(
        &self,
        opened: &Opened,
        operators: &[OperatorState],
        processes: usize,
    ) -> Result<CarriedState, CheckpointError> {
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
        let written = stored_operators(opened, is_kept)?;
        let had = opened.program().map(|program| program.sources.as_slice()).unwrap_or_default();
        let has = self.sources(processes);
        let is_source = |id: &str| had.iter().chain(&has).any(|source| source.port == id);
        let (of_operators, of_sources) = Declared { renamed, forgotten }.parted(is_source);
        let of_sources = in_each_process(of_sources, opened, processes);
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
        let initial = initial_states(opened, operators, &carried.kept);
        let rename = carried.kept.into_iter().filter(|(old, new)| old != new).chain(sources.rename).collect();
        let forget = carried.forgotten.into_iter().chain(sources.forget).collect();
        Ok(CarriedState { edits: Edits { rename, forget }, initial })
    }
}
