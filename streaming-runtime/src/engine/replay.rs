//! Batches that are replayed after a crash.

use crate::{
    checkpoint::ReplayMark,
    engine::{
        cluster::Role,
        connector_threads::Connectors,
        control::Control,
        pacing::{PacedSource, pace, source_ended, wait_until},
    },
    error::JobError,
    time::BatchTime,
};

/// Replays batches: each gets the records that it had.
pub(crate) async fn replay_batches(
    control: &Control,
    sources: &mut Connectors,
    paced: &[PacedSource],
    role: &mut Option<Role>,
    replay: Vec<ReplayMark>,
) -> Result<(), JobError> {
    for batch in replay {
        wait_until(control, Control::has_room).await;
        role.iter().for_each(|role| role.ask(batch.time));
        pace(control, sources, paced, batch.time).await?;
        fill(control, sources, batch.time).await?;
        if let Some(role) = role {
            role.paced(batch.time).await;
        }
        while !control.close(batch.time, batch.follows) {
            wait_until(control, Control::has_room).await;
        }
    }
    Ok(())
}

/// Waits until the open batch, if it is replayed, has all records that it had of the sources of this process.
pub(crate) async fn fill(
    control: &Control,
    sources: &mut Connectors,
    batch: BatchTime,
) -> Result<(), JobError> {
    let failed = |index: usize, missing: u64, surplus: u64| {
        let (port, records) = (control.source(index), control.expected(index));
        Err(JobError::Replay { port, batch, records, again: records - missing + surplus })
    };
    if let Some((index, surplus)) = control.surplus() {
        return failed(index, 0, surplus);
    }
    // A paced source has sent all that it will, as has one that has ended.
    let sends_no_more = |sources: &Connectors, index| control.is_paced(index) || sources.has_ended(index);
    while let Some(&(index, _)) = control.missing().first() {
        if let Some(&(index, missing)) =
            control.missing().iter().find(|(index, _)| sends_no_more(sources, *index))
        {
            return failed(index, missing, 0);
        }
        tokio::select! {
            biased;
            () = control.filled(index) => {}
            Some(ended) = sources.join_next(source_ended) => ended?,
        }
    }
    Ok(())
}
