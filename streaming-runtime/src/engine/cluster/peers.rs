//! What this process knows of the others: for the control, which tells them, and for the supervisor, which hears.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use crate::{
    contract::checkpoint_mark::CheckpointId,
    engine::cluster::frame::ClusterFrame,
    error::{JobError, cluster::ClusterError},
    ids::Epoch,
    time::BatchTime,
    timeline::Follows,
};

/// What the link is told to do.
pub(super) enum Say {
    /// To all peers: a follower has one, the leader.
    ClusterFrame(ClusterFrame),
    /// End the connections once all was said.
    Close,
}

/// Tells the other processes. Never waits: what is said is bounded by the batches in flight.
#[derive(Clone)]
pub(crate) struct Peers {
    pub(super) index: usize,
    pub(super) processes: usize,
    pub(super) says: mpsc::UnboundedSender<Say>,
}

impl Peers {
    fn say(&self, frame: ClusterFrame) {
        // The link is gone only when the job is over.
        let _ = self.says.send(Say::ClusterFrame(frame));
    }

    /// Which process this is, and how many there are.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.index, self.processes)
    }

    /// Whether this process decides when batches close.
    pub(crate) fn leads(&self) -> bool {
        self.index == 0
    }

    /// Those from whom this process hears that a batch was taken.
    pub(crate) fn count(&self) -> usize {
        if self.leads() { self.processes - 1 } else { 1 }
    }

    /// A batch was closed here.
    pub(crate) fn closed(&self, epoch: Epoch, time: BatchTime, follows: Follows) {
        if self.leads() {
            self.say(ClusterFrame::Close { epoch, time: time.as_nanos(), follows });
        }
    }

    /// All sinks here have taken a batch.
    pub(crate) fn taken(&self, epoch: Epoch) {
        if !self.leads() {
            self.say(ClusterFrame::Acked { epoch });
        }
    }

    /// All sinks everywhere have taken a batch.
    pub(crate) fn delivered(&self, epoch: Epoch) {
        if self.leads() {
            self.say(ClusterFrame::Delivered { epoch });
        }
    }

    /// For early closing: the open batch has records, and nothing waits here.
    pub(crate) fn ripe(&self, epoch: Epoch) {
        self.say(ClusterFrame::Ripe { epoch });
    }

    /// This process was asked to stop the job.
    pub(crate) fn stop(&self, within: Duration) {
        if !self.leads() {
            self.say(ClusterFrame::Stop { within });
        }
    }

    /// The log has this batch, and those before.
    pub(crate) fn durable(&self, epoch: Epoch) {
        if self.leads() && self.processes > 1 {
            self.say(ClusterFrame::Durable { epoch });
        }
    }

    /// The job failed here.
    pub(crate) fn fail(&self, error: &JobError) {
        self.say(match error {
            JobError::Peer { index, message, .. } => ClusterFrame::failed(*index, message),
            error => ClusterFrame::failed(self.index, &error.to_string()),
        });
    }

    /// The job is over here.
    pub(crate) fn close(&self) {
        let _ = self.says.send(Say::Close);
    }
}

/// The supervisor's side.
pub(crate) struct Role {
    pub(super) peers: Peers,
    /// Orders of the leader, or reports of followers.
    pub(super) inbox: mpsc::UnboundedReceiver<ClusterFrame>,
    /// The time at which all were there; closed when the link has ended.
    pub(super) begun: watch::Receiver<Option<BatchTime>>,
    /// For the leader: followers whose sources have not ended.
    pub(super) running: usize,
    /// How long the others may take to be ready.
    pub(super) gather: Duration,
    pub(super) hosts: Vec<String>,
}

/// What a follower says of itself before a job with checkpoints begins.
#[derive(Debug)]
pub(crate) struct ProcessReport {
    pub(crate) process: usize,
    /// What its transactional sinks have.
    pub(crate) committed: Vec<CommittedSink>,
    /// Whether all of its sinks are such.
    pub(crate) told: bool,
}

/// What a transactional sink of a process has.
#[derive(Debug)]
pub(crate) struct CommittedSink {
    pub(crate) port: String,
    /// The last batch that it has committed.
    pub(crate) batch: Option<BatchTime>,
    /// Whether it has all that was delivered, even if its last batch is an older one: it commits nothing for an empty batch.
    pub(crate) skips_empty: bool,
}

/// An order to a follower.
pub(crate) enum PeerOrder {
    Pace(BatchTime),
    Finish,
    Leave,
}

impl Role {
    pub(crate) fn leads(&self) -> bool {
        self.peers.leads()
    }

    /// When the time comes at which all are there; closed instead if that fails.
    pub(crate) fn watch_begin(&self) -> watch::Receiver<Option<BatchTime>> {
        self.begun.clone()
    }

    /// Waits until all are there. If that fails, the supervisor hears of it as a command.
    pub(crate) async fn begin(&mut self) {
        if self.begun.wait_for(Option::is_some).await.is_err() {
            std::future::pending().await
        }
    }

    /// The time at which all were there, as the leader has it.
    pub(crate) fn begun_at(&self) -> Option<BatchTime> {
        *self.begun.borrow()
    }

    /// Waits until the link has ended, after [`Peers::close`].
    pub(crate) async fn closed(mut self) {
        while self.begun.changed().await.is_ok() {}
    }

    /// Leader: whether a source runs in another process.
    pub(crate) fn has_sources(&self) -> bool {
        self.running > 0
    }

    async fn hear(&mut self) -> ClusterFrame {
        match self.inbox.recv().await {
            Some(frame) => frame,
            // The link has ended and said why to the supervisor.
            None => std::future::pending().await,
        }
    }

    /// Leader: waits for the sources of another process to end.
    pub(crate) async fn ended(&mut self) {
        if let ClusterFrame::Ended = self.hear().await {
            self.running -= 1;
        }
    }

    /// Leader: hears the followers until `count` says that one more has answered, for each of them; those that have not
    /// within the limit are missing.
    async fn all(&mut self, mut heard: impl FnMut(ClusterFrame) -> Option<usize>) -> Result<(), JobError> {
        let mut missing: BTreeSet<usize> = (1..self.peers.processes).collect();
        let (limit, hosts) = (self.gather, self.hosts.clone());
        let all = async {
            while !missing.is_empty() {
                if let Some(process) = heard(self.hear().await) {
                    missing.remove(&process);
                }
            }
        };
        if timeout(limit, all).await.is_err() {
            let name = |process: &usize| format!("word from process {process} ({})", hosts[*process]);
            let missing = missing.iter().map(name).collect();
            return Err(JobError::Cluster(ClusterError::Missing { missing, limit }));
        }
        Ok(())
    }

    /// Leader: waits until all have built their dataflows and said what their sinks have.
    pub(crate) async fn built(&mut self) -> Result<Vec<ProcessReport>, JobError> {
        let (mut built, mut committed) = (Vec::new(), Vec::new());
        let hear = |frame| match frame {
            ClusterFrame::Has { process, sink, batch, skips_empty } => {
                let batch = batch.map(BatchTime::from_nanos);
                committed.push((process, CommittedSink { port: sink, batch, skips_empty }));
                None
            }
            ClusterFrame::Built { process, told } => {
                let (own, others) =
                    std::mem::take(&mut committed).into_iter().partition(|(of, ..)| *of == process);
                committed = others;
                let own: Vec<_> = own;
                let committed = own.into_iter().map(|(_, sink)| sink).collect();
                built.push(ProcessReport { process, committed, told });
                Some(process)
            }
            _ => None,
        };
        self.all(hear).await?;
        Ok(built)
    }

    /// Leader: has the followers restore, as of a batch of a log that ends with another.
    pub(crate) fn restore(&self, at: Option<Epoch>, head: Option<Epoch>, checkpoint: CheckpointId) {
        self.peers.say(ClusterFrame::Restore { at, head, checkpoint: checkpoint.to_string() });
    }

    /// Leader: waits until all have restored.
    pub(crate) async fn restored(&mut self) -> Result<(), JobError> {
        self.all(|frame| match frame {
            ClusterFrame::Restored { process } => Some(process),
            _ => None,
        })
        .await
    }

    /// Leader: the sources may begin; so much is on disk.
    pub(crate) fn let_begin(&self, durable: Option<Epoch>) {
        durable.iter().for_each(|epoch| self.peers.durable(*epoch));
        self.peers.say(ClusterFrame::Begin);
    }

    /// Follower: says what this process has.
    pub(crate) fn report_built(&self, built: ProcessReport) {
        let ProcessReport { process, committed, told } = built;
        for CommittedSink { port: sink, batch, skips_empty } in committed {
            let batch = batch.map(|batch| batch.as_nanos());
            self.peers.say(ClusterFrame::Has { process, sink, batch, skips_empty });
        }
        self.peers.say(ClusterFrame::Built { process, told });
    }

    /// Follower: waits until it is to restore; the leader, whose death is noticed, has a limit for what it waits for.
    pub(crate) async fn told_to_restore(&mut self) -> (Option<Epoch>, Option<Epoch>, CheckpointId) {
        loop {
            if let ClusterFrame::Restore { at, head, checkpoint } = self.hear().await
                && let Ok(checkpoint) = checkpoint.parse()
            {
                return (at, head, checkpoint);
            }
        }
    }

    /// Follower: it has restored.
    pub(crate) fn report_restored(&self) {
        self.peers.say(ClusterFrame::Restored { process: self.peers.index });
    }

    /// Follower: waits until the sources may begin.
    pub(crate) async fn told_to_begin(&mut self) {
        while !matches!(self.hear().await, ClusterFrame::Begin) {}
    }

    /// Which process this is, and how many there are.
    pub(crate) fn place(&self) -> (usize, usize) {
        self.peers.place()
    }

    /// Leader: asks the paced sources of the followers for the batch of `time`.
    pub(crate) fn ask(&self, time: BatchTime) {
        self.peers.say(ClusterFrame::Pace { time: time.as_nanos() });
    }

    /// Leader: waits until they have sent it.
    pub(crate) async fn paced(&mut self, time: BatchTime) {
        let mut answers = 0;
        while answers < self.peers.count() {
            match self.hear().await {
                ClusterFrame::Paced { time: answered } if answered == time.as_nanos() => answers += 1,
                ClusterFrame::Ended => self.running -= 1,
                _ => {}
            }
        }
    }

    /// Leader: has the followers stop their sources.
    pub(crate) fn finish(&self) {
        self.peers.say(ClusterFrame::Finish);
    }

    /// Leader: waits until all have stopped; returns the open batches of those that have records in them.
    pub(crate) async fn drained(&mut self) -> Vec<Epoch> {
        let (mut answers, mut open) = (0, Vec::new());
        while answers < self.peers.count() {
            if let ClusterFrame::Drained { next, dirty } = self.hear().await {
                answers += 1;
                open.extend(dirty.then_some(next));
            }
        }
        open
    }

    /// Leader: all is delivered.
    pub(crate) fn leave(&self) {
        self.peers.say(ClusterFrame::Leave);
    }

    /// Follower: the next order.
    pub(crate) async fn order(&mut self) -> PeerOrder {
        loop {
            match self.hear().await {
                ClusterFrame::Pace { time } => return PeerOrder::Pace(BatchTime::from_nanos(time)),
                ClusterFrame::Finish => return PeerOrder::Finish,
                ClusterFrame::Leave => return PeerOrder::Leave,
                _ => {}
            }
        }
    }

    /// Follower: the paced sources here have sent their batch.
    pub(crate) fn answer(&self, time: BatchTime) {
        self.peers.say(ClusterFrame::Paced { time: time.as_nanos() });
    }

    /// Follower: the sources here have ended by themselves.
    pub(crate) fn report_end(&self) {
        self.peers.say(ClusterFrame::Ended);
    }

    /// Follower: the sources here are stopped and all that was closed is delivered.
    pub(crate) fn report_drained(&self, next: Epoch, dirty: bool) {
        self.peers.say(ClusterFrame::Drained { next, dirty });
    }
}
