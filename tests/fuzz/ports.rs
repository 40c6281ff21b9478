//! The two ends of a job that is tried: a source that takes in what it is told to, and a sink that outlives the job.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use streaming_runtime::{
    Sink, Source,
    connect::{Batch, ConnectorError, Delivery, Recovery, SourceContext},
};
use tokio::sync::{Notify, watch};

use crate::model::{Pair, Time};

/// What there is to send, and how much of it the job has taken in. Clones are one.
#[derive(Clone)]
pub(crate) struct Feed(Arc<Feeding>);

struct Feeding {
    state: Mutex<Fed>,
    changed: Notify,
    taken: watch::Sender<usize>,
}

#[derive(Default)]
struct Fed {
    records: Vec<Pair>,
    is_over: bool,
}

impl Feed {
    pub(crate) fn new() -> Self {
        let (state, changed) = (Mutex::default(), Notify::new());
        Feed(Arc::new(Feeding { state, changed, taken: watch::Sender::new(0) }))
    }

    fn fed(&self) -> MutexGuard<'_, Fed> {
        self.0.state.lock().expect("nothing panics under this lock")
    }

    pub(crate) fn send(&self, records: &[Pair]) {
        self.fed().records.extend_from_slice(records);
        self.0.changed.notify_waiters();
    }

    pub(crate) fn end(&self) {
        self.fed().is_over = true;
        self.0.changed.notify_waiters();
    }

    /// There is more to come after all.
    pub(crate) fn begin(&self) {
        self.fed().is_over = false;
    }

    /// Waits until the job has taken in all that was sent.
    pub(crate) async fn taken(&self) {
        let all = self.fed().records.len();
        let taken = self.0.taken.subscribe().wait_for(|taken| *taken >= all).await.map(drop);
        taken.expect("the feed holds the sender");
    }

    /// A source that replays is asked for everything again.
    pub(crate) fn rewind(&self) {
        self.0.taken.send_replace(0);
    }
}

/// The source of a feed: one that replays, or one that goes on where it was.
pub(crate) struct FeedSource<const REPLAYS: bool>(pub(crate) Feed);

impl<const REPLAYS: bool> Source<Pair> for FeedSource<REPLAYS> {
    const RECOVERY: Recovery = if REPLAYS { Recovery::Replays } else { Recovery::Lost };

    async fn run(self, mut out: SourceContext<Pair>) -> Result<(), ConnectorError> {
        let FeedSource(feed) = self;
        let mut at = match REPLAYS {
            true => out.resume_from::<usize>()?.unwrap_or(0),
            false => *feed.0.taken.borrow(),
        };
        loop {
            // Before the look: of what is sent after this line, it will know.
            let changed = feed.0.changed.notified();
            let (fresh, is_over) = {
                let fed = feed.fed();
                (fed.records[at..].to_vec(), fed.is_over)
            };
            if !fresh.is_empty() {
                at += fresh.len();
                out.send_all(fresh).await?;
                out.reached(&at);
            }
            feed.0.taken.send_replace(at);
            if is_over {
                return Ok(());
            }
            changed.await;
        }
    }
}

/// The source of a feed that is asked for each batch, and can give it what it had.
pub(crate) struct PacedFeed(pub(crate) Feed);

impl Source<Pair> for PacedFeed {
    const PACED: bool = true;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<Pair>) -> Result<(), ConnectorError> {
        let PacedFeed(feed) = self;
        let mut at = out.resume_from::<usize>()?.unwrap_or(0);
        loop {
            let changed = feed.0.changed.notified();
            let (all, is_over) = {
                let fed = feed.fed();
                (fed.records.len(), fed.is_over)
            };
            if is_over && at == all {
                return Ok(());
            }
            tokio::select! {
                due = out.batch_due() => if due.is_none() {
                    return Ok(());
                },
                () = changed => continue,
            }
            let all = feed.fed().records.len();
            let upto = out.replay_position::<usize>()?.unwrap_or(all);
            let records = feed.fed().records[at..upto].to_vec();
            out.send_all(records).await?;
            at = upto;
            out.reached(&at);
        }
    }
}

/// What a sink has of each batch: records with how often they are there, in the order in which they came. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Telling>);

#[derive(Default)]
struct Telling {
    batches: Mutex<BTreeMap<Time, Vec<(Pair, i64)>>>,
    changed: Notify,
}

/// Records with equal ones put together.
pub(crate) fn together(mut records: Vec<(Pair, i64)>) -> Vec<(Pair, i64)> {
    records.sort_unstable();
    let mut all: Vec<(Pair, i64)> = Vec::with_capacity(records.len());
    for (record, times) in records {
        match all.last_mut() {
            Some((last, sum)) if *last == record => *sum += times,
            _ => all.push((record, times)),
        }
    }
    all.retain(|(_, times)| *times != 0);
    all
}

impl Told {
    /// In order.
    pub(crate) fn arrived(&self) -> BTreeMap<Time, Vec<(Pair, i64)>> {
        self.0.batches.lock().expect("nothing panics under this lock").clone()
    }

    /// Each different record once.
    pub(crate) fn batches(&self) -> BTreeMap<Time, Vec<(Pair, i64)>> {
        self.arrived().into_iter().map(|(time, records)| (time, together(records))).collect()
    }

    /// How many records it has.
    pub(crate) fn count(&self) -> usize {
        let batches = self.0.batches.lock().expect("nothing panics under this lock");
        batches.values().flatten().map(|(_, times)| *times as usize).sum()
    }

    /// Waits until it has so many records.
    pub(crate) async fn has(&self, records: usize) {
        loop {
            let changed = self.0.changed.notified();
            if self.count() >= records {
                return;
            }
            changed.await;
        }
    }

    fn tell(&self, time: Time, records: Vec<(Pair, i64)>) -> Result<(), ConnectorError> {
        let mut batches = self.0.batches.lock().expect("nothing panics under this lock");
        let now = together(records.clone());
        if let Some(before) = batches.insert(time, records).map(together)
            && before != now
        {
            let what = format!("the batch at {time} ns came again with {now:?} for {before:?}");
            return Err(ConnectorError::other(what));
        }
        drop(batches);
        self.0.changed.notify_waiters();
        Ok(())
    }
}

impl Sink<Pair> for Told {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, batch: Batch<Pair>) -> Result<(), ConnectorError> {
        self.tell(batch.time.as_nanos(), batch.records.into_iter().map(|record| (record, 1)).collect())
    }
}

impl Sink<(Pair, i64)> for Told {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, batch: Batch<(Pair, i64)>) -> Result<(), ConnectorError> {
        self.tell(batch.time.as_nanos(), batch.records)
    }
}
