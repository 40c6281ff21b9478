//! The batches of a job from the first to the last, as the supervisor closes them.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::{
    engine::{
        cluster::Role,
        connector_threads::Connectors,
        control::Control,
        job::Command,
        pacing::{PacedSource, hand_on, pace, source_ended, wait_until},
        replay::replay_batches,
        resume::JobRecovery,
        supervisor::follower::follow,
    },
    error::JobError,
    time::BatchTime,
    timeline::Follows,
};

/// How long sources that had ended before the job was started again may take to end again, before time goes on.
const END_AGAIN_LIMIT: Duration = Duration::from_millis(200);

/// What a job with checkpoints does first, and where its log reports that it has failed.
pub(super) struct RecoveryStart {
    pub(super) recovery: JobRecovery,
    pub(super) commands: mpsc::UnboundedSender<Command>,
}

/// What drives the batches of a job.
pub(super) struct Drive<'a> {
    pub(super) control: &'a Control,
    pub(super) sources: &'a mut Connectors,
    pub(super) paced: &'a mut Vec<PacedSource>,
    /// Tells the sources that the job is asked to stop.
    pub(super) stop: &'a watch::Sender<bool>,
    /// Tells the sources when they begin.
    pub(super) begun: &'a watch::Sender<Option<BatchTime>>,
    /// Of this process among several.
    pub(super) role: &'a mut Option<Role>,
}

/// Why no further batch is closed at a boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    SourcesEnded,
    Stopped,
}

impl Drive<'_> {
    /// Closes batches at their boundaries until the sources have ended or are stopped; then closes the last and waits until
    /// all are delivered.
    pub(super) async fn run(mut self, recovery: Option<RecoveryStart>) -> Result<(), JobError> {
        let mut stop = self.stop.subscribe();
        if !self.processes_are_there(&mut stop).await {
            return Ok(());
        }
        let mut replay = Vec::new();
        if let Some(RecoveryStart { recovery, commands }) = recovery {
            replay = recovery.begin(self.control, self.role, commands).await?;
            let at_leader = self.role.as_ref().and_then(Role::begun_at);
            self.begun.send_replace(Some(at_leader.unwrap_or_else(|| self.control.clock.now())));
        }
        let Drive { control, sources, paced, stop: stopping, role, .. } = &mut self;
        match role {
            Some(role) if !role.leads() => return follow(control, sources, paced, stopping, role).await,
            _ => replay_batches(control, sources, paced, role, replay).await?,
        }
        self.wait_for_ended_again(&mut stop).await?;
        let ending = self.close_at_boundaries(&mut stop).await?;
        self.finish(ending).await
    }

    /// Waits until the other processes are there, if there are any; returns whether the job begins.
    async fn processes_are_there(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        let control = self.control;
        if let Some(role) = self.role {
            tokio::select! {
                biased;
                () = role.begin() => {}
                // Nothing has come in anywhere.
                () = raised(stop) => {
                    control.peers().iter().for_each(|peers| peers.close());
                    return false;
                }
            }
            control.listeners.tell(|listener| listener.started());
        }
        true
    }

    /// Gives sources that had ended before the job was started again a moment to end again. What they had is delivered, and
    /// time should not go on because that takes a moment.
    async fn wait_for_ended_again(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), JobError> {
        let Drive { control, sources, role, .. } = self;
        if !control.had_ended() || role.is_some() {
            return Ok(());
        }
        let limit = tokio::time::sleep(END_AGAIN_LIMIT);
        tokio::pin!(limit);
        while !have_ended(sources, role) {
            tokio::select! {
                biased;
                () = raised(stop) => break,
                Some(result) = sources.join_next(source_ended) => result?,
                () = &mut limit => break,
            }
        }
        Ok(())
    }

    /// Closes a batch at each boundary.
    async fn close_at_boundaries(&mut self, stop: &mut watch::Receiver<bool>) -> Result<Ending, JobError> {
        let mut handed_on = None;
        while !have_ended(self.sources, self.role) {
            let control = self.control;
            let boundary = control.boundary();
            tokio::select! {
                biased;
                // By a test's clock everything is certain: what is due by now is closed before.
                () = raised(stop), if !control.is_behind_manual_clock() => return Ok(Ending::Stopped),
                Some(result) = self.sources.join_next(source_ended) => result?,
                () = ended_elsewhere(self.role) => {}
                () = control.clock.sleep_until(boundary) => {
                    let paces = !self.paced.is_empty();
                    wait_until(control, |control| control.has_room() && (!paces || control.has_memory())).await;
                    if control.clock.is_manual() && handed_on.replace(control.clock.now()) != Some(control.clock.now()) {
                        hand_on(control, self.sources).await?;
                    }
                    self.close_due().await?;
                }
            }
        }
        Ok(Ending::SourcesEnded)
    }

    /// Asks the paced sources for the batch that is due, and closes it.
    async fn close_due(&mut self) -> Result<(), JobError> {
        let Drive { control, sources, paced, role, .. } = self;
        reap(control, sources, paced).await?;
        if have_ended(sources, role) {
            return Ok(());
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
            return Ok(());
        }
        // A batch closed early may have taken the room meanwhile.
        while !control.close(time, follows) {
            wait_until(control, Control::has_room).await;
        }
        Ok(())
    }

    /// Closes the last batches and waits until all are delivered.
    async fn finish(self, ending: Ending) -> Result<(), JobError> {
        let Drive { control, sources, role, .. } = self;
        role.iter().for_each(Role::finish);
        sources.abort_undrained();
        while let Some(result) = sources.join_next(source_ended).await {
            result?;
        }
        let dirty_elsewhere = match role {
            Some(role) => role.drained().await,
            None => Vec::new(),
        };
        wait_until(control, Control::is_idle).await;
        let is_dirty = control.is_dirty() || dirty_elsewhere.contains(&control.open());
        if is_dirty || control.is_between_boundaries() {
            control.close(control.boundary(), Follows::Closely);
            wait_until(control, Control::is_idle).await;
        }
        // What is in the windows of a job that is only stopped stays in its checkpoint.
        if !(ending == Ending::Stopped && control.log().is_some()) {
            while let Some((time, follows)) = control.next_at_the_end() {
                control.close(time, follows);
                wait_until(control, Control::is_idle).await;
            }
        }
        if let Some((log, last)) = control.log().zip(control.open().checked_sub(1)).filter(|_| role.is_some())
        {
            // Workers that leave take what they have for the log with them. If it fails, that is heard of elsewhere.
            if control.has_closed() && !log.is_durable(last).await {
                std::future::pending::<()>().await;
            }
        }
        role.iter().for_each(Role::leave);
        Ok(())
    }
}

/// Whether no source will send any more, in any process.
fn have_ended(sources: &Connectors, role: &Option<Role>) -> bool {
    sources.tasks.is_empty() && !role.as_ref().is_some_and(Role::has_sources)
}

/// Waits for the ends of sources that cannot send any more: they have ended, or are about to. Otherwise it would depend on
/// chance whether one more batch closes.
async fn reap(
    control: &Control,
    sources: &mut Connectors,
    paced: &mut Vec<PacedSource>,
) -> Result<(), JobError> {
    let gone = paced.iter().filter(|source| source.requests.is_closed()).map(|source| source.index);
    let gone: Vec<usize> =
        gone.chain((0..sources.count()).filter(|index| control.is_source_gone(*index))).collect();
    paced.retain(|source| !source.requests.is_closed());
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

/// Waits until the job is asked to stop; the sender outlives all who wait.
async fn raised(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
