//! What the supervisor of a follower does instead of closing batches.

use tokio::sync::watch;

use crate::{
    engine::{
        cluster::{Role, peers::PeerOrder},
        connector_threads::Connectors,
        control::Control,
        resume::fill,
        supervisor::{Paced, hand_on, pace, source_ended, until},
    },
    error::JobError,
};

/// Does what the leader says, and reports, until all is delivered everywhere.
pub(crate) async fn follow(
    control: &Control,
    sources: &mut Connectors,
    paced: &[Paced],
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
                    // Of a batch that runs again, the other sources have to send what it had, too.
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
                    until(control, Control::is_idle).await;
                    role.report_drained(control.open(), control.is_dirty());
                }
                PeerOrder::Leave => return Ok(()),
            }
        }
    }
}
