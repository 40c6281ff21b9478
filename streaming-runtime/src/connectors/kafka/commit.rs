//! Offsets of a consumer group, for tools that show how far behind a job is. They follow what was delivered, and nothing begins at them
//! unless it is asked for.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _},
    error::KafkaResult,
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    connect::Receipt,
    connectors::kafka::{
        client::{Connection, REQUEST},
        discovery::TopicPartition,
    },
};

/// How often offsets are committed, if there are new ones.
const EVERY: Duration = Duration::from_secs(1);

/// How many receipts of a partition are waited for. Of more, those in the middle are forgotten: the last one says the same.
const RECEIPTS: usize = 1024;

/// How long, after the source has ended, its last batch is waited for.
const LAST: Duration = Duration::from_secs(30);

/// How many offsets may be on their way here from the readers.
const WAITING: usize = 1024;

/// An offset that is reached when its receipt says so; those of a checkpoint are.
type Reached = (TopicPartition, i64, Option<Receipt>);

type Offsets = BTreeMap<TopicPartition, i64>;

/// What was sent, and who says what came of it.
type Committing = (Offsets, JoinHandle<KafkaResult<()>>);

type Delivered = Pin<Box<dyn Future<Output = (TopicPartition, Option<i64>)> + Send>>;

/// Where readers say what they have sent. Its end is that of the source.
#[derive(Clone, Debug)]
pub(super) struct Commits(mpsc::Sender<Reached>);

impl Commits {
    /// Commits what is delivered, also what is delivered after the source has ended.
    pub(super) fn start(connection: Arc<Connection>) -> Self {
        let (commits, reached) = mpsc::channel(WAITING);
        let committer = Committer {
            connection,
            receipts: BTreeMap::new(),
            delivered: FuturesUnordered::new(),
            offsets: BTreeMap::new(),
            committing: None,
        };
        tokio::spawn(committer.run(reached));
        Commits(commits)
    }

    /// All before `offset` is delivered when the receipt says so.
    pub(super) async fn reach(&self, at: &TopicPartition, offset: i64, receipt: Option<Receipt>) {
        // Without a committer nothing is committed; the job is not the worse for it.
        let _ = self.0.send((at.clone(), offset, receipt)).await;
    }
}

/// Waits for receipts, and commits.
struct Committer {
    connection: Arc<Connection>,
    /// What each partition waits for behind the first.
    receipts: BTreeMap<TopicPartition, VecDeque<(i64, Receipt)>>,
    /// The first of each.
    delivered: FuturesUnordered<Delivered>,
    /// What is delivered and not committed.
    offsets: Offsets,
    /// What is being committed, on a thread where waiting holds up nobody.
    committing: Option<Committing>,
}

impl Committer {
    async fn run(mut self, mut reached: mpsc::Receiver<Reached>) {
        let mut next = Instant::now() + EVERY;
        loop {
            tokio::select! {
                sent = reached.recv() => match sent {
                    Some(reached) => self.wait_for(reached),
                    None => break,
                },
                Some((at, offset)) = self.delivered.next() => self.delivered(at, offset),
                (sent, answer) = answer(&mut self.committing) => self.answered(sent, answer),
                () = tokio::time::sleep_until(next), if self.committing.is_none() && !self.offsets.is_empty() => {
                    self.commit();
                    next = Instant::now() + EVERY;
                }
            }
        }
        let consumer = self.connection.consumer().clone();
        // Nobody takes what is fetched.
        let _ = tokio::task::spawn_blocking(move || consumer.unassign()).await;
        let last = Instant::now() + LAST;
        while let Ok(Some((at, offset))) = timeout_at(last, self.delivered.next()).await {
            self.delivered(at, offset);
        }
        let _ = timeout_at(Instant::now() + REQUEST, self.commit_last()).await;
    }

    /// Commits what is left.
    async fn commit_last(&mut self) {
        loop {
            if self.committing.is_none() {
                if self.offsets.is_empty() {
                    return;
                }
                self.commit();
            }
            let (sent, answer) = answer(&mut self.committing).await;
            self.answered(sent, answer);
            if !self.offsets.is_empty() {
                tokio::time::sleep(EVERY).await;
            }
        }
    }

    fn wait_for(&mut self, (at, offset, receipt): Reached) {
        let Some(receipt) = receipt else {
            self.offsets.insert(at, offset);
            return;
        };
        match self.receipts.get_mut(&at) {
            None => {
                self.receipts.insert(at.clone(), VecDeque::new());
                self.delivered.push(delivery(at, offset, receipt));
            }
            Some(receipts) => {
                if receipts.len() == RECEIPTS {
                    receipts.pop_back();
                }
                receipts.push_back((offset, receipt));
            }
        }
    }

    /// The first receipt of a partition was given out, or will not be.
    fn delivered(&mut self, at: TopicPartition, offset: Option<i64>) {
        if let Some(offset) = offset {
            self.offsets.insert(at.clone(), offset);
        }
        match self.receipts.get_mut(&at).and_then(VecDeque::pop_front) {
            Some((offset, receipt)) => self.delivered.push(delivery(at, offset, receipt)),
            None => drop(self.receipts.remove(&at)),
        }
    }

    /// Asks for a commit.
    fn commit(&mut self) {
        let (consumer, offsets) = (self.connection.consumer().clone(), std::mem::take(&mut self.offsets));
        let sent = list(&offsets);
        let answer = tokio::task::spawn_blocking(move || consumer.commit(&sent, CommitMode::Sync));
        self.committing = Some((offsets, answer));
    }

    /// What was refused is asked for again, but for what is further by then.
    fn answered(&mut self, sent: Offsets, answer: KafkaResult<()>) {
        let Err(error) = answer else { return };
        for (at, offset) in sent {
            self.offsets.entry(at).or_insert(offset);
        }
        if self.connection.state.failed_commits.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                target: "streaming_runtime::kafka", %error,
                "the group's offsets are not committed, so tools show too much lag; the job goes on, and tries again: give the user \
                 the right to the group, or `.commit_offsets(false)`"
            );
        }
    }
}

/// The answer to a commit with what was sent; without one it waits for ever.
async fn answer(committing: &mut Option<Committing>) -> (Offsets, KafkaResult<()>) {
    let Some((_, answer)) = committing else { return std::future::pending().await };
    // A thread of tokio's that is gone says nothing: whoever waits for it is about to go as well.
    let answer = answer.await.unwrap_or(Ok(()));
    (committing.take().map(|(sent, _)| sent).unwrap_or_default(), answer)
}

fn delivery(at: TopicPartition, offset: i64, receipt: Receipt) -> Delivered {
    Box::pin(async move { (at, receipt.await.is_ok().then_some(offset)) })
}

fn list(offsets: &Offsets) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (at, offset) in offsets {
        let added = list.add_partition_offset(&at.topic, at.number, Offset::Offset(*offset));
        added.expect("an offset is a position");
    }
    list
}
