//! What the supervisor of a follower does instead of closing batches.

use tokio::sync::watch;

use crate::{
    engine::{
        cluster::{PeerOrder, Role},
        connector_threads::Connectors,
        control::Control,
        pacing::{PacedSource, hand_on, pace, source_ended, wait_until},
        replay::fill,
    },
    error::JobError,
};

/// Does what the leader says, and reports, until all is delivered everywhere.
pub(crate) async fn follow(
    control: &Control,
    sources: &mut Connectors,
    paced: &[PacedSource],
    stop: &watch::Sender<bool>,
    role: &mut Role,
) -> Result<(), JobError> {
    let wrap = source_ended;
    let mut ended = false;
    loop {
        if !ended && sources.tasks.is_empty() {
            ended = true;
            role.report_end();
        }
        tokio::select! {
            biased;
            Some(result) = sources.join_next(wrap) => result?,
            order = role.order() => match order {
                PeerOrder::Pace(time) => {
                    if control.clock.is_manual() {
                        hand_on(control, sources).await?;
                    }
                    pace(control, sources, paced, time).await?;
                    // The sources that are not paced have to send what a replayed batch had, too.
                    fill(control, sources, time).await?;
                    // Before the answer, or the leader would close one more batch than there is need for.
                    if !ended && sources.tasks.is_empty() {
                        ended = true;
                        role.report_end();
                    }
                    role.answer(time);
                }
                PeerOrder::Finish => {
                    stop.send_replace(true);
                    sources.abort_undrained();
                    while let Some(result) = sources.join_next(wrap).await {
                        result?;
                    }
                    wait_until(control, Control::is_idle).await;
                    role.report_drained(control.open(), control.is_dirty());
                }
                PeerOrder::Leave => return Ok(()),
            }
        }
    }
}
