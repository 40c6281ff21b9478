//! Ensures that no sink of a job writes to a target that something else uses.

use crate::{
    contract::target::{Claim, Target},
    engine::{
        checkpoint_settings::{Checkpoint, Storing},
        wiring::{SinkTask, SourceTask, Wiring},
    },
    error::StartError,
};

/// Takes what the sinks of a job write to, for as long as each is there.
pub(super) fn claim(job: &str, wiring: &Wiring, checkpoint: Option<&Checkpoint>) -> Result<(), StartError> {
    for sink in &wiring.sinks {
        let claims = sink.targets.iter().map(|target| {
            let refused = |what| StartError::Target { port: sink.port.to_owned(), what };
            take(job, sink, target, &wiring.sources, checkpoint).map_err(refused)
        });
        let claims = claims.collect::<Result<_, _>>()?;
        assert!(sink.claims.set(claims).is_ok(), "a sink is started once");
    }
    Ok(())
}

/// Takes a target, or says why that cannot be.
fn take(
    job: &str,
    sink: &SinkTask,
    target: &Target,
    sources: &[SourceTask],
    checkpoint: Option<&Checkpoint>,
) -> Result<Claim, String> {
    if is_in_checkpoint(target, checkpoint) {
        return Err(format!(
            "{target} is in the directory of the job's checkpoint, which is the engine's own: write elsewhere"
        ));
    }
    let feeds = |source: &&SourceTask| source.origin.as_ref().is_some_and(|origin| target.feeds(origin));
    if let Some(source) = sources.iter().find(feeds) {
        return Err(format!(
            "{target} is read by source `{}`, so the job would be fed with what it writes: write elsewhere",
            source.port
        ));
    }
    Claim::new(target, &format!("sink `{}` of job `{job}`", sink.port))
        .map_err(|owner| format!("{target} is what {owner} writes to; one would take the place of the other's batches: give each a target of its own"))
}

fn is_in_checkpoint(target: &Target, checkpoint: Option<&Checkpoint>) -> bool {
    match checkpoint.map(|checkpoint| &checkpoint.storage) {
        Some(Storing::Directory(directory)) => target.is_in(directory),
        // Of others it is not known where they are.
        Some(Storing::Other(_)) | None => false,
    }
}
