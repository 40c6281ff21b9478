//! A stream as a source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{Notify, mpsc};

use crate::{
    connect::{ConnectorError, Partition, Recovery, Retry, Source, SourceContext},
    connectors::kinesis::{
        client::{Client, ClientSettings, client_settings},
        fault::Fault,
        reader::{Drained, OnLostRecords, Position, Reader, Start},
        record::{Records, Shape, Texts},
        shards::{ShardMap, list, ready},
    },
};

type Reading<T> = Pin<Box<dyn Future<Output = Result<Drained<T>, ConnectorError>> + Send>>;

/// A stream as a source, see [`stream`](super::stream).
pub struct Shards<S = Records> {
    settings: ClientSettings,
    start: Option<Start>,
    on_lost: OnLostRecords,
    poll_every: Duration,
    discover_every: Duration,
    shape: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for Shards<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shards { settings, start, on_lost, poll_every, discover_every, .. } = self;
        let mut shown = f.debug_struct("Shards");
        shown.field("settings", settings).field("start", start).field("on_lost", on_lost);
        shown.field("poll_every", poll_every).field("discover_every", discover_every).finish()
    }
}

impl Shards {
    pub(super) fn new(stream: String) -> Self {
        Shards {
            settings: ClientSettings::new(stream),
            start: Some(Start::TrimHorizon),
            on_lost: OnLostRecords::Fail,
            poll_every: Duration::from_millis(250),
            discover_every: Duration::from_secs(30),
            shape: PhantomData,
        }
    }

    /// The data as text, for a port of `Source<String>`. What is not UTF-8 in it is replaced.
    pub fn texts(self) -> Shards<Texts> {
        let Shards { settings, start, on_lost, poll_every, discover_every, .. } = self;
        Shards { settings, start, on_lost, poll_every, discover_every, shape: PhantomData }
    }
}

impl<S> Shards<S> {
    client_settings!();

    /// Without a checkpoint, begins at the first record that there is (`TRIM_HORIZON`). This is the default.
    pub fn from_trim_horizon(mut self) -> Self {
        self.start = Some(Start::TrimHorizon);
        self
    }
    /// Without a checkpoint, begins at what arrives after the start. That is a time (`AT_TIMESTAMP`) and not `LATEST`, so that after a
    /// crash it begins at the same place, once a batch is in the checkpoint. It is of this machine's clock, which must not be ahead of
    /// Kinesis's: Kinesis refuses a time that is to come, and that ends the job.
    pub fn from_latest(mut self) -> Self {
        self.start = None;
        self
    }
    /// Without a checkpoint, begins at the first record of each shard that is not older (`AT_TIMESTAMP`).
    pub fn from_timestamp(mut self, time: SystemTime) -> Self {
        self.start = Some(Start::Time(millis_of(time)));
        self
    }
    /// Without a checkpoint, begins with the records of these sequence numbers, by shard, and elsewhere at the earliest.
    pub fn from_sequence_numbers<N: Into<String>, P: Into<String>>(
        mut self,
        numbers: impl IntoIterator<Item = (N, P)>,
    ) -> Self {
        let numbers = numbers.into_iter().map(|(shard, number)| (shard.into(), number.into())).collect();
        self.start = Some(Start::SequenceNumbers(numbers));
        self
    }
    /// What to do where the record at a position is gone: [`OnLostRecords::Fail`] by default. A shard that had nothing new for as long
    /// as the stream keeps its records looks the same after a restart.
    pub fn on_lost_records(mut self, policy: OnLostRecords) -> Self {
        self.on_lost = policy;
        self
    }
    /// How often Kinesis is asked again that does not answer or throttles, at the start and later. Each attempt takes up to 15 s.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }
    /// How often each shard is asked for records: every 250 ms by default. Kinesis answers all readers of a shard 5 times a second, so
    /// two of them should not ask more often than every 400 ms.
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_every = interval.max(Duration::from_millis(1));
        self
    }
    /// How often new shards are looked for: every 30 s by default, and at once when a shard has been read to its end.
    pub fn discover_every(mut self, interval: Duration) -> Self {
        self.discover_every = interval.max(Duration::from_millis(10));
        self
    }
}

fn millis_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl<S: Shape> Source<S::Record> for Shards<S> {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<S::Record>) -> Result<(), ConnectorError> {
        let start = self.start.clone().unwrap_or_else(|| Start::Time(millis_of(SystemTime::now())));
        let client = Arc::new(self.settings.connect().await?);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        out.count("kinesis lost positions", move || counted.load(Ordering::Relaxed));
        let counted = client.clone();
        out.count("kinesis throttled", move || counted.throttled.load(Ordering::Relaxed));
        let asked = client.clone();
        out.trouble(move || asked.trouble());
        let (found, discovered) = mpsc::channel(1);
        let look = Notify::new();
        let known = out.known_partitions().into_iter().collect();
        let shards = ShardMap::new();
        let readers = Readers {
            source: &self,
            client: client.clone(),
            start,
            known,
            out,
            lost,
            look: &look,
            shards,
            closed: BTreeMap::new(),
            drained: BTreeMap::new(),
            begun: BTreeSet::new(),
            is_first: true,
        };
        tokio::select! {
            ended = readers.read(discovered) => ended,
            error = discover(&client, self.discover_every, &look, found) => Err(error),
        }
    }
}

/// Looks for shards for as long as it can.
async fn discover(
    client: &Client,
    every: Duration,
    look: &Notify,
    found: mpsc::Sender<ShardMap>,
) -> ConnectorError {
    loop {
        match list(client).await {
            Ok(shards) => {
                if found.send(shards).await.is_err() {
                    return ConnectorError::Closed;
                }
            }
            Err(error) => return error,
        }
        if tokio::time::timeout(every, look.notified()).await.is_ok() {
            // Many shards may close at once, and a list is to be had ten times a second.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The readers of a source.
struct Readers<'a, S: Shape> {
    source: &'a Shards<S>,
    client: Arc<Client>,
    start: Start,
    /// What the checkpoint has a position of.
    known: BTreeSet<String>,
    out: SourceContext<S::Record>,
    lost: Arc<AtomicU64>,
    look: &'a Notify,
    shards: ShardMap,
    /// Whether a shard that is read takes nothing any more.
    closed: BTreeMap<String, Arc<AtomicBool>>,
    drained: BTreeMap<String, Partition<S::Record>>,
    begun: BTreeSet<String>,
    is_first: bool,
}

impl<S: Shape> Readers<'_, S> {
    async fn read(mut self, mut discovered: mpsc::Receiver<ShardMap>) -> Result<(), ConnectorError> {
        let mut readings: FuturesUnordered<Reading<S::Record>> = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(found) = discovered.recv() => {
                    self.update(found)?;
                    if std::mem::take(&mut self.is_first) {
                        self.settle().await?;
                    }
                }
                Some(drained) = readings.next() => {
                    let Drained { children, partition } = drained?;
                    partition.set_lag_time(Duration::ZERO);
                    for (name, child) in children {
                        self.shards.entry(name).or_insert(child);
                    }
                    self.drained.insert(partition.name().to_owned(), partition);
                    self.look.notify_one();
                }
            }
            readings.extend(self.begin()?);
        }
    }

    /// Takes in a list of the shards.
    fn update(&mut self, found: ShardMap) -> Result<(), ConnectorError> {
        if self.is_first {
            for name in self.known.iter().filter(|name| !found.contains_key(*name)) {
                // It is older than the stream keeps records, drained or not.
                let partition = self.out.partition(name);
                if self.source.on_lost == OnLostRecords::Fail {
                    let position = format!("{:?}", partition.resume_from::<Position>()?);
                    return Err(Fault::LostRecords { shard: name.clone(), position }.at("read on"));
                }
                self.lost.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(target: "streaming_runtime::kinesis", shard = name, "the checkpoint knows it, and it is gone");
                partition.retire()?;
            }
        }
        let gone: Vec<String> =
            self.drained.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
        for name in gone {
            self.shards.remove(&name);
            self.closed.remove(&name);
            self.begun.remove(&name);
            self.drained.remove(&name).into_iter().try_for_each(Partition::retire)?;
        }
        for (name, info) in found {
            if let (true, Some(closed)) = (info.is_closed, self.closed.get(&name)) {
                closed.store(true, Ordering::Relaxed);
            }
            self.shards.insert(name, info);
        }
        Ok(())
    }

    /// Writes down where all begin that there are at the start, before any is read: no checkpoint knows a part only, and what a
    /// checkpoint with others does not know is new.
    async fn settle(&self) -> Result<(), ConnectorError> {
        if !self.known.is_empty() {
            return Ok(());
        }
        for name in self.shards.keys().filter(|name| self.out.port().takes(name)) {
            let mut partition = self.out.partition(name);
            if partition.resume_from::<Position>()?.is_none() {
                partition.send(Vec::new(), &self.start.of(name)).await?;
            }
        }
        Ok(())
    }

    /// Begins with those that may be read by now.
    fn begin(&mut self) -> Result<Vec<Reading<S::Record>>, ConnectorError> {
        let drained: BTreeSet<String> = self.drained.keys().cloned().collect();
        let port = self.out.port();
        let names = ready(&self.shards, &drained, |name| port.takes(name));
        let mut readings = Vec::new();
        for name in names {
            if self.begun.insert(name.clone()) {
                readings.push(self.reading(name)?);
            }
        }
        Ok(readings)
    }

    fn reading(&mut self, name: String) -> Result<Reading<S::Record>, ConnectorError> {
        let partition = self.out.partition(&name).with_digest(S::digest);
        let known = partition.resume_from::<Position>()?;
        let is_closed = Arc::new(AtomicBool::new(self.shards.get(&name).is_some_and(|info| info.is_closed)));
        self.closed.insert(name, is_closed.clone());
        let mut reader = Reader::<S> {
            client: self.client.clone(),
            partition,
            position: known.clone().unwrap_or(Position::TrimHorizon),
            on_lost: self.source.on_lost,
            lost: self.lost.clone(),
            poll_every: self.source.poll_every,
            is_closed,
        };
        Ok(Box::pin(async move {
            if known.is_none() {
                // A crash before the first record must not begin elsewhere.
                reader.partition.send(Vec::new(), &Position::TrimHorizon).await?;
            }
            reader.run().await
        }))
    }
}
