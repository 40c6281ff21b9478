//! What the supervisor asks of sources before a batch closes, and how it waits for deliveries.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    contract::error::ConnectorError,
    engine::{connector_threads::Connectors, control::Control},
    error::JobError,
    intake::queues::PaceRequest,
    time::BatchTime,
};

/// A paced source.
pub(crate) struct PacedSource {
    /// Its index among the sources. Only the task of this source can answer its requests.
    pub(super) index: usize,
    pub(super) requests: mpsc::Sender<PaceRequest>,
}

/// Makes the sources hand on what the program has given to them. A source that ends meanwhile has nothing more.
pub(super) async fn hand_on(control: &Control, sources: &mut Connectors) -> Result<(), JobError> {
    let handed_on = control.hand_on();
    tokio::pin!(handed_on);
    loop {
        tokio::select! {
            biased;
            () = &mut handed_on => return Ok(()),
            Some(result) = sources.join_next(source_ended) => result?,
        }
    }
}

/// Asks the paced sources for their records of the batch at `time` and waits until they have sent them. A
/// source that ends meanwhile has answered. Returns whether any source heard of it.
pub(super) async fn pace(
    control: &Control,
    sources: &mut Connectors,
    paced: &[PacedSource],
    time: BatchTime,
) -> Result<bool, JobError> {
    control.pace(time);
    let (mut answers, heard) = (Vec::new(), Arc::<AtomicBool>::default());
    let board = &control.board;
    for PacedSource { index, requests } in paced.iter().filter(|source| control.is_due(source.index)) {
        let (done, answer) = oneshot::channel();
        board.sources[*index].asks(time, control.clock.now());
        match requests.send(PaceRequest { time, done, heard: heard.clone() }).await {
            Ok(()) => answers.push((*index, answer)),
            Err(_) => board.sources[*index].answered(),
        }
    }
    for (index, answer) in answers {
        answered(sources, index, answer).await?;
        board.sources[index].answered();
    }
    Ok(heard.load(Ordering::Acquire))
}

/// Waits until a paced source has answered, or has ended. A request that comes as the source ends may stay in its channel,
/// answered by nobody, until the channel's last sender is dropped, which is here.
async fn answered(
    sources: &mut Connectors,
    index: usize,
    mut answer: oneshot::Receiver<()>,
) -> Result<(), JobError> {
    while !sources.has_ended(index) {
        tokio::select! {
            biased;
            _ = &mut answer => break,
            Some(result) = sources.join_next(source_ended) => result?,
        }
    }
    Ok(())
}

/// Waits until a condition holds that becomes true only by the delivery of a batch.
pub(super) async fn wait_until(control: &Control, holds: impl Fn(&Control) -> bool) {
    loop {
        let delivered = control.batch_delivered.notified();
        tokio::pin!(delivered);
        // Registered before looking, so that a delivery in between is not missed.
        delivered.as_mut().enable();
        if holds(control) {
            return;
        }
        delivered.await;
    }
}

/// The result of a job of which a source ended with an error.
pub(super) fn source_ended(port: &'static str, error: ConnectorError) -> Result<(), JobError> {
    match error {
        // Its worker is gone. That one's end says why, and may be heard of only later.
        ConnectorError::Closed => Ok(()),
        source => Err(JobError::Source { port, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::{future, time::Duration};

    use tokio::runtime::Handle;

    use super::*;
    use crate::engine::connector_threads::RunPlace;

    #[tokio::test]
    async fn a_source_that_ends_as_it_is_asked_has_answered() {
        let (mut sources, host) = (Connectors::default(), Handle::current());
        let place = |port| RunPlace { host: &host, job: "job", port, drains: false, may_block: false };
        sources.spawn(&place("goes on"), future::pending()).expect("it runs");
        sources.spawn(&place("ends"), async { Ok(()) }).expect("it runs");
        // Nobody answers, nor is the request dropped.
        let (_request, answer) = oneshot::channel();
        let answered = tokio::time::timeout(Duration::from_secs(10), answered(&mut sources, 1, answer));
        answered.await.expect("it does not hang").expect("it ended well");
    }
}
