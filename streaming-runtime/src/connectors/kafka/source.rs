//! Topics as a source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt as _, future::try_join_all, stream::FuturesUnordered};
use tokio::sync::mpsc;

use crate::{
    connect::{ConnectorError, Recovery, Retry, Source, SourceContext},
    connectors::kafka::{
        client::Connection,
        commit::Commits,
        discovery::{Selection, TopicPartition, find, topic_of},
        fault::Fault,
        message::{Messages, Shape, Texts},
        reader::{Begun, Done, End, OnLostOffsets, Reader, Start},
        settings::ClientSettings,
    },
};

type Reading<T> = Pin<Box<dyn Future<Output = Result<(TopicPartition, Done<T>), ConnectorError>> + Send>>;

/// Topics as a source, see [`topic`](super::topic).
pub struct Topics<S = Messages> {
    settings: ClientSettings,
    selection: Selection,
    start: Start,
    end: End,
    on_lost: OnLostOffsets,
    retry: Retry,
    discover_every: Duration,
    group: Option<String>,
    commits: bool,
    max_rate: Option<f64>,
    shape: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for Topics<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Topics { settings, selection, start, end, on_lost, .. } = self;
        let mut shown = f.debug_struct("Topics");
        shown.field("settings", settings).field("selection", selection).field("start", start);
        shown.field("end", end).field("on_lost", on_lost).finish_non_exhaustive()
    }
}

impl Topics {
    pub(super) fn new(brokers: String, selection: Selection) -> Self {
        Topics {
            settings: ClientSettings::new(brokers),
            selection,
            start: Start::Earliest,
            end: End::Never,
            on_lost: OnLostOffsets::Fail,
            retry: Retry::default(),
            discover_every: Duration::from_secs(30),
            group: None,
            commits: true,
            max_rate: None,
            shape: PhantomData,
        }
    }

    /// The payloads as text, for a port of `Source<String>`. What is not UTF-8 in them is replaced; a tombstone is an empty text.
    pub fn texts(self) -> Topics<Texts> {
        let Topics { settings, selection, start, end, on_lost, retry, .. } = self;
        let Topics { discover_every, group, commits, max_rate, .. } = self;
        let shape = PhantomData;
        Topics {
            settings,
            selection,
            start,
            end,
            on_lost,
            retry,
            discover_every,
            group,
            commits,
            max_rate,
            shape,
        }
    }
}

impl<S> Topics<S> {
    /// Without a checkpoint, begins at the first record that there is. This is the default.
    pub fn from_earliest(mut self) -> Self {
        self.start = Start::Earliest;
        self
    }
    /// Without a checkpoint, begins at what comes after the start. Partitions that come later are read from their beginning.
    pub fn from_latest(mut self) -> Self {
        self.start = Start::Latest;
        self
    }
    /// Without a checkpoint, begins at what the [group](Topics::group) has committed, and where it has committed nothing at the earliest.
    /// So a job goes on where another consumer was, such as one of Spark's with the same group. A job without a checkpoint goes on where
    /// it was stopped; after a crash some records come twice.
    pub fn from_committed(mut self) -> Self {
        self.start = Start::Committed;
        self
    }
    /// Without a checkpoint, begins at the first record of each partition that is not older.
    pub fn from_timestamp(mut self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.start = Start::Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        self
    }
    /// Without a checkpoint, begins at these offsets, by topic and partition, and elsewhere at the earliest.
    pub fn from_offsets<N: Into<String>>(
        mut self,
        offsets: impl IntoIterator<Item = ((N, i32), i64)>,
    ) -> Self {
        self.start = Start::Offsets(by_partition(offsets));
        self
    }
    /// Ends when all is read that was there at the start. After a crash that is what is there at the new start.
    pub fn until_latest(mut self) -> Self {
        self.end = End::Latest;
        self
    }
    /// Ends before these offsets, by topic and partition. Other partitions are not read. Where the topic is shorter, it waits for it.
    pub fn until_offsets<N: Into<String>>(
        mut self,
        offsets: impl IntoIterator<Item = ((N, i32), i64)>,
    ) -> Self {
        self.end = End::Offsets(by_partition(offsets));
        self
    }
    /// What to do where the records at a position are gone: [`OnLostOffsets::Fail`] by default.
    pub fn on_lost_offsets(mut self, policy: OnLostOffsets) -> Self {
        self.on_lost = policy;
        self
    }
    /// How often brokers that are away are asked again, at the start and later. Each attempt takes up to 3 s.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
    /// How often new topics and partitions are looked for: every 30 s by default.
    pub fn discover_every(mut self, interval: Duration) -> Self {
        self.discover_every = interval.max(Duration::from_millis(10));
        self
    }
    /// The consumer group that offsets are committed to: `streaming-{job}-{port}` by default. It has no members, so it moves nobody's
    /// partitions, and another consumer of that name must not run at the same time.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }
    /// Whether offsets are committed to the [group](Topics::group), for tools that show its lag: yes by default, every second, and those
    /// of batches that are delivered, and on disk in a job with a checkpoint. The job itself does not begin at them, unless it is
    /// [told so](Topics::from_committed). A backfill beside the job should not move them.
    pub fn commit_offsets(mut self, commits: bool) -> Self {
        self.commits = commits;
        self
    }
    /// The most records per second of each partition, Spark's `spark.streaming.kafka.maxRatePerPartition`; more than 0. It holds beside
    /// [`Engine::max_rate`](crate::Engine::max_rate), which the partitions share by their lag.
    pub fn max_rate_per_partition(mut self, records_per_second: f64) -> Self {
        self.max_rate = Some(records_per_second);
        self
    }
    /// Any setting of librdkafka that the connector does not set itself. Passwords and keys are shown nowhere.
    pub fn option(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.set(key, value);
        self
    }
}

fn by_partition<N: Into<String>>(
    offsets: impl IntoIterator<Item = ((N, i32), i64)>,
) -> BTreeMap<(String, i32), i64> {
    offsets.into_iter().map(|((topic, partition), offset)| ((topic.into(), partition), offset)).collect()
}

impl<S: Shape> Source<S::Record> for Topics<S> {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<S::Record>) -> Result<(), ConnectorError> {
        if let Some(rate) = self.max_rate.filter(|rate| rate.is_nan() || *rate <= 0.0) {
            return Err(ConnectorError::Config(format!(
                "`.max_rate_per_partition({rate})` lets nothing through: give a number above 0"
            )));
        }
        let port = out.port();
        let group = self.group.clone().unwrap_or_else(|| format!("streaming-{}-{}", port.job, port.port));
        let connection = Arc::new(Connection::new(&self.settings, &group)?);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        out.count("kafka lost offsets", move || counted.load(Ordering::Relaxed));
        let state = connection.state.clone();
        out.trouble(move || state.trouble());
        let state = connection.state.clone();
        out.count("kafka failed commits", move || state.failed_commits.load(Ordering::Relaxed));
        let (found, discovered) = mpsc::channel(1);
        let commits = self.commits.then(|| Commits::start(connection.clone()));
        let readers = Readers { source: &self, out, connection: &connection, lost, commits };
        tokio::select! {
            ended = readers.read(discovered) => ended,
            error = connection.serve() => Err(error),
            error = self.discover(&connection, found) => Err(error),
        }
    }
}

impl<S: Shape> Topics<S> {
    /// Looks for partitions for as long as it can.
    async fn discover(
        &self,
        connection: &Connection,
        found: mpsc::Sender<BTreeSet<TopicPartition>>,
    ) -> ConnectorError {
        loop {
            match find(connection, &self.selection, self.retry).await {
                Ok(partitions) => {
                    if found.send(partitions).await.is_err() {
                        return ConnectorError::Closed;
                    }
                }
                Err(error) => return error,
            }
            let doubt = connection.state.doubt.notified();
            if tokio::time::timeout(self.discover_every, doubt).await.is_ok() {
                // A broker that goes up and down is not asked all the time.
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// The readers of a source.
struct Readers<'a, S: Shape> {
    source: &'a Topics<S>,
    out: SourceContext<S::Record>,
    connection: &'a Connection,
    lost: Arc<AtomicU64>,
    commits: Option<Commits>,
}

impl<S: Shape> Readers<'_, S> {
    /// Reads what is found, until the end of a bounded run.
    async fn read(
        self,
        mut discovered: mpsc::Receiver<BTreeSet<TopicPartition>>,
    ) -> Result<(), ConnectorError> {
        let mut readings: FuturesUnordered<Reading<S::Record>> = FuturesUnordered::new();
        let mut read = BTreeSet::new();
        let is_bounded = !matches!(self.source.end, End::Never);
        let known: BTreeSet<String> = self.out.known_partitions().into_iter().collect();
        let mut is_first = true;
        loop {
            tokio::select! {
                Some(found) = discovered.recv() => {
                    self.leave(&found, &read, is_first.then_some(&known))?;
                    let is_ours = |at: &TopicPartition| !read.contains(at) && self.out.port().takes(&at.name());
                    let new: Vec<_> = found.into_iter().filter(|at| (is_first || !is_bounded) && is_ours(at)).collect();
                    read.extend(new.iter().cloned());
                    match is_first {
                        true => readings.extend(self.begin(new, known.is_empty()).await?),
                        // What the first look did not see is new.
                        false => readings.extend(new.into_iter().map(|at| self.begin_later(at))),
                    }
                    is_first = false;
                }
                Some(done) = readings.next() => {
                    if let (at, Done::Gone(partition)) = done? {
                        tracing::warn!(target: "streaming_runtime::kafka", partition = at.name(), "it is gone");
                        partition.retire()?;
                        read.remove(&at);
                    }
                }
            }
            if is_bounded && !is_first && readings.is_empty() {
                return Ok(());
            }
        }
    }

    /// Begins with what there is at the start. All of it is written down before any is read, so that no checkpoint knows a part only:
    /// what a checkpoint with others does not know is new.
    async fn begin(
        &self,
        found: Vec<TopicPartition>,
        is_fresh: bool,
    ) -> Result<Vec<Reading<S::Record>>, ConnectorError> {
        let start = if is_fresh { self.source.start.clone() } else { Start::Earliest };
        let begun = found.into_iter().map(|at| {
            let reader = self.reader(at.clone(), start.clone());
            async move { Ok::<_, ConnectorError>((at, reader.begin().await?)) }
        });
        let mut begun = try_join_all(begun).await?;
        for (_, begun) in &mut begun {
            begun.settle().await?;
        }
        let reading = |(at, begun): (_, Begun<S>)| -> Reading<S::Record> {
            Box::pin(async move { Ok((at, begun.run().await?)) })
        };
        Ok(begun.into_iter().map(reading).collect())
    }

    fn begin_later(&self, at: TopicPartition) -> Reading<S::Record> {
        let reader = self.reader(at.clone(), Start::Earliest);
        Box::pin(async move {
            let mut begun = reader.begin().await?;
            begun.settle().await?;
            Ok((at, begun.run().await?))
        })
    }

    fn reader(&self, at: TopicPartition, start: Start) -> Reader<S> {
        let mut partition = self.out.partition(at.name()).with_digest(S::digest);
        if let Some(rate) = self.source.max_rate {
            partition = partition.with_max_rate(rate);
        }
        Reader {
            consumer: self.connection.consumer().clone(),
            state: self.connection.state.clone(),
            partition,
            at,
            start,
            end: self.source.end.clone(),
            on_lost: self.source.on_lost,
            lost: self.lost.clone(),
            retry: self.source.retry,
            commits: self.commits.clone(),
        }
    }

    /// What was read and is not there any more: named topics must stay, those of a pattern may go. So may what the checkpoint knows
    /// and the source does not name any more.
    fn leave(
        &self,
        found: &BTreeSet<TopicPartition>,
        read: &BTreeSet<TopicPartition>,
        known: Option<&BTreeSet<String>>,
    ) -> Result<(), ConnectorError> {
        let there: BTreeSet<String> = found.iter().map(TopicPartition::name).collect();
        let gone = |partition: String| Fault::Gone { partition }.at("read on");
        for at in read.difference(found) {
            if self.source.selection.names(&at.topic) {
                return Err(gone(at.name()));
            }
            let signals = self.connection.state.signals(&at.topic, at.number);
            signals.gone.store(true, Ordering::Relaxed);
            signals.wake.notify_one();
        }
        for name in known.into_iter().flatten().filter(|name| !there.contains(*name)) {
            if self.source.selection.names(topic_of(name)) {
                return Err(gone(name.clone()));
            }
            tracing::warn!(target: "streaming_runtime::kafka", partition = name, "the checkpoint knows it, and it is gone");
            self.out.partition(name.clone()).retire()?;
        }
        Ok(())
    }
}
