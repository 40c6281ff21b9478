//! How stored state is carried over to the program that resumes from it.

use crate::checkpoint::{
    CheckpointError, Edits, Initial, Opened, OperatorState, Program, ReplayOrigin, Restored, SourceEntry,
    StateShape,
};

/// How the stored state is carried over to the program.
pub(crate) struct CarriedState {
    /// What is changed in it.
    pub(super) edits: Edits,
    /// The fingerprints of the initial states with which the operators began.
    pub(super) initial: Vec<Option<u64>>,
}

/// Whether the stored program says with which parameters and initial states its operators began. Older versions did not.
fn says_all(opened: &Opened) -> bool {
    opened.program().is_some_and(|program| program.identity.is_some())
}

/// The stateful operators of the stored program.
pub(super) fn stored_operators(
    opened: &Opened,
    is_kept: impl Fn(&str) -> bool,
) -> Result<Vec<OperatorState>, CheckpointError> {
    let says_all = says_all(opened);
    let entries = opened.program().map(|program| program.operators.as_slice()).unwrap_or_default();
    let stored = entries.iter().map(|entry| {
        let mut shape: StateShape = entry.state.parse().map_err(|error| CheckpointError::Incompatible {
            what: format!("operator `{}`: {error}", entry.id),
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
    stored.collect()
}

/// The fingerprints of the initial states with which the operators began. One that resumes keeps that with which it began,
/// if that is known.
pub(super) fn initial_states(
    opened: &Opened,
    operators: &[OperatorState],
    kept: &[(String, String)],
) -> Vec<Option<u64>> {
    let says_all = says_all(opened);
    let entries = opened.program().map(|program| program.operators.as_slice()).unwrap_or_default();
    let initial = operators.iter().map(|operator| {
        let old = kept.iter().find(|(_, new)| *new == operator.id).map(|(old, _)| old.as_str());
        let began = old.filter(|old| says_all && opened.has_state_of(old));
        match began.and_then(|old| entries.iter().find(|entry| entry.id == old)) {
            Some(entry) => entry.initial,
            None => operator.initial.fingerprint(),
        }
    });
    initial.collect()
}

/// A source whose logged records have another type than it sends now.
pub(super) struct ChangedRecords {
    port: String,
    was: String,
    is: String,
}

/// The sources whose logged records have another type than they send now.
pub(super) fn changed_records(opened: &Opened, program: &Program, edits: &Edits) -> Vec<ChangedRecords> {
    let mut changed = Vec::new();
    for SourceEntry { port, replay_origin } in
        opened.program().map(|program| &program.sources).into_iter().flatten()
    {
        let port = edits.rename.get(port).unwrap_or(port);
        let is =
            program.sources.iter().find(|source| source.port == *port).map(|source| &source.replay_origin);
        if let (ReplayOrigin::FromLog { records: was }, Some(ReplayOrigin::FromLog { records: is })) =
            (replay_origin, is)
            && was != is
        {
            changed.push(ChangedRecords { port: port.clone(), was: was.clone(), is: is.clone() });
        }
    }
    changed
}

/// Refuses to resume where logged records are in no batch yet and their source sends another type now.
pub(super) fn refuse_changed(changed: &[ChangedRecords], restored: &Restored) -> Result<(), CheckpointError> {
    for ChangedRecords { port, was, is } in changed {
        if restored.inputs.get(port).is_some_and(|inputs| !inputs.is_empty()) {
            let what = format!(
                "source `{port}`: the log has {was} that are in no batch yet, and the source now sends {is}: start the \
                 program that wrote them once more and stop it in order, then they are"
            );
            return Err(CheckpointError::Incompatible { what });
        }
    }
    Ok(())
}
