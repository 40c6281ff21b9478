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
};
use tokio::{
    sync::mpsc,
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
    offsets: BTreeMap<TopicPartition, i64>,
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
                () = tokio::time::sleep_until(next), if !self.offsets.is_empty() => {
                    self.commit();
                    next = Instant::now() + EVERY;
                }
            }
        }
        let last = Instant::now() + LAST;
        while let Ok(Some((at, offset))) = timeout_at(last, self.delivered.next()).await {
            self.delivered(at, offset);
        }
        let Committer { connection, offsets, .. } = self;
        // It waits for brokers, and so does closing.
        let _ = tokio::task::spawn_blocking(move || commit_last(&connection, &offsets)).await;
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

    /// Asks for a commit, unless the last one has not been answered.
    fn commit(&mut self) {
        let state = &self.connection.state;
        if state.is_committing.swap(true, Ordering::Relaxed) {
            return;
        }
        match self.connection.consumer().commit(&list(&self.offsets), CommitMode::Async) {
            Ok(()) => self.offsets.clear(),
            Err(error) => {
                state.is_committing.store(false, Ordering::Relaxed);
                tracing::debug!(target: "streaming_runtime::kafka", %error, "offsets are not committed");
            }
        }
    }
}

fn delivery(at: TopicPartition, offset: i64, receipt: Receipt) -> Delivered {
    Box::pin(async move { (at, receipt.await.is_ok().then_some(offset)) })
}

fn list(offsets: &BTreeMap<TopicPartition, i64>) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (at, offset) in offsets {
        let added = list.add_partition_offset(&at.topic, at.number, Offset::Offset(*offset));
        added.expect("an offset is a position");
    }
    list
}

/// Commits what is left, within the time of a request, when nobody reads any more.
fn commit_last(connection: &Connection, offsets: &BTreeMap<TopicPartition, i64>) {
    let consumer = connection.consumer();
    let until = std::time::Instant::now() + REQUEST;
    // Fetching ends, and the answer to the last commit is on the main queue.
    let _ = consumer.unassign();
    let answered = |state: &super::client::ClientState| !state.is_committing.load(Ordering::Relaxed);
    for is_asked in [false, true] {
        if is_asked && !offsets.is_empty() {
            connection.state.is_committing.store(true, Ordering::Relaxed);
            if consumer.commit(&list(offsets), CommitMode::Async).is_err() {
                return;
            }
        }
        while !answered(&connection.state) && std::time::Instant::now() < until {
            drop(consumer.poll(Duration::from_millis(10)));
        }
    }
}
