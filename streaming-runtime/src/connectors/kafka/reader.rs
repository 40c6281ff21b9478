//! One partition of a topic.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer as _, base_consumer::PartitionQueue},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::Message as _,
};

use crate::{
    connect::{ConnectorError, Partition, Retry},
    connectors::kafka::{
        client::{ClientEvents, ClientState, PartitionSignals, REQUEST, TopicConsumer, asking, watermarks},
        commit::Commits,
        discovery::{TopicPartition, retried},
        fault::{Fault, failed, is_away},
        message::{Borrowed, Shape, Topic},
    },
};

/// What is sent at once, at most.
const CHUNK: usize = 1000;
const CHUNK_BYTES: usize = 1 << 20;

/// How many chunks a partition sends before others have their turn.
const TURN: u32 = 8;

/// Where partitions begin that no checkpoint knows.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Earliest,
    Latest,
    /// What the group has committed, and the earliest where it has not.
    Committed,
    /// The first record of this time or later, in milliseconds.
    Timestamp(i64),
    /// These, by topic and partition; others at the earliest.
    Offsets(BTreeMap<(String, i32), i64>),
}

/// Where a bounded run ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    Never,
    /// What was the end when the partition was first looked at.
    Latest,
    /// Before these; no other partitions are read.
    Offsets(BTreeMap<(String, i32), i64>),
}

/// What a source does where the records at its position are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLostOffsets {
    /// It ends the job with [`Fault::LostOffsets`].
    Fail,
    /// It goes on at the earliest record that there is, and counts the offsets in between as `kafka lost offsets`.
    Earliest,
}

/// Reads one partition.
pub(super) struct Reader<S: Shape> {
    pub(super) consumer: Arc<TopicConsumer>,
    pub(super) state: Arc<ClientState>,
    pub(super) partition: Partition<S::Record>,
    pub(super) at: TopicPartition,
    pub(super) start: Start,
    pub(super) end: End,
    pub(super) on_lost: OnLostOffsets,
    pub(super) lost: Arc<AtomicU64>,
    pub(super) retry: Retry,
    pub(super) commits: Option<Commits>,
}

/// How reading a partition ended well.
pub(super) enum Done<T> {
    /// At the end of a bounded run.
    AtEnd,
    /// The brokers do not have it any more.
    Gone(Box<Partition<T>>),
}

/// Why a chunk is not longer.
enum Met {
    Full,
    Nothing,
    /// The last record that may be read by now.
    EndOfPartition,
    /// The end of the bounded run.
    End,
    Error(KafkaError),
}

/// What a reader begins with.
struct Range {
    position: i64,
    low: i64,
    high: i64,
    end: i64,
}

/// A reader that knows where to begin.
pub(super) struct Begun<S: Shape> {
    reader: Reader<S>,
    range: Range,
    is_new: bool,
}

impl<S: Shape> Begun<S> {
    /// Writes down where it begins: a crash before the first record must not begin elsewhere.
    pub(super) async fn settle(&mut self) -> Result<(), ConnectorError> {
        let Begun { reader, range, is_new } = self;
        if *is_new {
            reader.partition.send(Vec::new(), &range.position).await?;
        } else if let Some(commits) = &reader.commits {
            commits.reach(&reader.at, range.position, None).await;
        }
        Ok(())
    }

    /// Reads to the end.
    pub(super) async fn run(self) -> Result<Done<S::Record>, ConnectorError> {
        self.reader.run(self.range).await
    }
}

impl<S: Shape> Reader<S> {
    /// Finds out where to begin.
    pub(super) async fn begin(self) -> Result<Begun<S>, ConnectorError> {
        let known = self.partition.resume_from::<i64>()?;
        let range = self.range(known).await?;
        match self.partition.replay_position::<i64>()? {
            // It would be waited for what may never come.
            Some(then) if then > range.high && (range.low..=range.high).contains(&range.position) => {
                Err(ConnectorError::Changed {
                    what: self.at.name(),
                    how: format!("a batch ended at {then}, and all that there is ends at {}", range.high),
                })
            }
            _ => Ok(Begun { reader: self, range, is_new: known.is_none() }),
        }
    }

    async fn run(mut self, mut range: Range) -> Result<Done<S::Record>, ConnectorError> {
        let signals = self.state.signals(&self.at.topic, self.at.number);
        // What was said of a partition of this name before is not of this one.
        signals.gone.store(false, Ordering::Relaxed);
        signals.high.store(range.high, Ordering::Relaxed);
        loop {
            if range.position < range.low || range.position > range.high {
                self.lose(&mut range)?;
            }
            if range.position >= range.end {
                return Ok(Done::AtEnd);
            }
            let queue = self.assign(range.position, &signals).await?;
            match self.read(&queue, &signals, &mut range).await? {
                Some(true) => return Ok(Done::AtEnd),
                Some(false) => return Ok(Done::Gone(Box::new(self.partition))),
                // Its position is lost.
                None => {
                    self.unassign().await?;
                    (range.low, range.high) = self.watermarks().await?;
                }
            }
        }
    }

    /// Reads from a queue: whether it came to the end or the partition is gone; `None` if the position is lost.
    async fn read(
        &mut self,
        queue: &PartitionQueue<ClientEvents>,
        signals: &PartitionSignals,
        range: &mut Range,
    ) -> Result<Option<bool>, ConnectorError> {
        let (mut caught_up, mut chunks, mut length) = (false, 0_u32, 0);
        loop {
            chunks = chunks.wrapping_add(1);
            // Most chunks are as long as the one before.
            let mut records = Vec::with_capacity(length);
            let begin = range.position;
            let met = self.take(queue, &mut records, range);
            length = records.len();
            if range.position != begin {
                caught_up = false;
                let high = signals.high.load(Ordering::Relaxed);
                self.partition.set_lag(high.saturating_sub(begin).max(0) as u64);
                self.send(records, range.position).await?;
            }
            match met {
                // Each turn is a look at all that the runtime waits for.
                Met::Full if chunks % TURN != 0 => {}
                Met::Full => tokio::task::yield_now().await,
                Met::End => return Ok(Some(true)),
                Met::EndOfPartition => {
                    caught_up = true;
                    // The last of what is there may be markers of transactions, which are no records.
                    if range.end != i64::MAX && self.watermarks().await?.1 >= range.end {
                        return Ok(Some(true));
                    }
                }
                Met::Error(error) => match error.rdkafka_error_code() {
                    Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => return Ok(None),
                    Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                        self.state.doubt.notify_one();
                    }
                    Some(code) if is_away(code) => self.state.doubt.notify_one(),
                    _ => return Err(failed(&format!("read `{}`", self.at.name()), &error)),
                },
                Met::Nothing => {
                    let high = signals.high.load(Ordering::Relaxed);
                    let lag = if caught_up { 0 } else { high.saturating_sub(range.position).max(0) };
                    self.partition.set_lag(lag as u64);
                    signals.wake.notified().await;
                    if signals.gone.load(Ordering::Relaxed) {
                        return Ok(Some(false));
                    }
                }
            }
        }
    }

    /// Sends records into the job, and has their end committed when they are delivered.
    async fn send(&mut self, records: Vec<S::Record>, position: i64) -> Result<(), ConnectorError> {
        let Some(commits) = &self.commits else {
            return self.partition.send(records, &position).await;
        };
        let receipt = self.partition.send_tracked(records, &position).await?;
        commits.reach(&self.at, position, Some(receipt)).await;
        Ok(())
    }

    /// Takes what is there, up to a chunk.
    fn take(
        &self,
        queue: &PartitionQueue<ClientEvents>,
        records: &mut Vec<S::Record>,
        range: &mut Range,
    ) -> Met {
        let mut bytes = 0;
        // A name of the chunk's own: the workers, which give up earlier ones, do not count in the same place meanwhile.
        let topic = Topic::from(&*self.at.topic);
        while records.len() < CHUNK && bytes < CHUNK_BYTES {
            match queue.poll(Duration::ZERO) {
                None => return Met::Nothing,
                Some(Err(KafkaError::PartitionEOF(_))) => return Met::EndOfPartition,
                Some(Err(error)) => return Met::Error(error),
                Some(Ok(message)) => {
                    if message.offset() >= range.end {
                        return Met::End;
                    }
                    range.position = message.offset() + 1;
                    bytes += message.payload_len() + message.key_len();
                    records.push(S::shape(&topic, &Borrowed(message)));
                    if range.position >= range.end {
                        return Met::End;
                    }
                }
            }
        }
        Met::Full
    }

    /// Where to begin and to end.
    async fn range(&self, known: Option<i64>) -> Result<Range, ConnectorError> {
        let (low, high) = self.watermarks().await?;
        let key = (self.at.topic.to_string(), self.at.number);
        let position = match (known, &self.start) {
            (Some(position), _) => position,
            (None, Start::Earliest) => low,
            (None, Start::Latest) => high,
            (None, Start::Committed) => self.committed().await?.unwrap_or(low),
            (None, Start::Timestamp(time)) => self.at_time(*time).await?.unwrap_or(high),
            (None, Start::Offsets(offsets)) => offsets.get(&key).copied().unwrap_or(low),
        };
        let end = match &self.end {
            End::Never => i64::MAX,
            End::Latest => high,
            End::Offsets(offsets) => offsets.get(&key).copied().unwrap_or(position),
        };
        Ok(Range { position, low, high, end })
    }

    /// The position is not there any more.
    fn lose(&self, range: &mut Range) -> Result<(), ConnectorError> {
        let Range { position, low, high, .. } = *range;
        let partition = self.at.name();
        if self.on_lost == OnLostOffsets::Fail {
            return Err(Fault::LostOffsets { partition, position, low, high }.at("read on"));
        }
        let lost = low.saturating_sub(position).max(1) as u64;
        self.lost.fetch_add(lost, Ordering::Relaxed);
        tracing::warn!(target: "streaming_runtime::kafka", partition, position, low, high, "offsets are lost; going on at the earliest");
        range.position = low;
        Ok(())
    }

    async fn watermarks(&self) -> Result<(i64, i64), ConnectorError> {
        let at = self.at.clone();
        retried(self.retry, &self.consumer, &self.state, move |consumer| {
            watermarks(consumer, &at.topic, at.number)
        })
        .await
    }

    /// What the group has committed.
    async fn committed(&self) -> Result<Option<i64>, ConnectorError> {
        let at = self.at.clone();
        retried(self.retry, &self.consumer, &self.state, move |consumer| {
            let what = format!("ask for the committed offset of `{}`", at.name());
            let found = list(&at, 0)
                .and_then(|asked| consumer.committed_offsets(asked, REQUEST))
                .map_err(|error| failed(&what, &error))?;
            match found.elements().first().map(|found| (found.error().err(), found.offset())) {
                Some((Some(error), _)) => Err(failed(&what, &error)),
                Some((None, Offset::Offset(offset))) => Ok(Some(offset)),
                _ => Ok(None),
            }
        })
        .await
    }

    /// The offset of the first record of a time or later.
    async fn at_time(&self, time: i64) -> Result<Option<i64>, ConnectorError> {
        let at = self.at.clone();
        retried(self.retry, &self.consumer, &self.state, move |consumer| {
            let what = format!("ask for the offset of a time in `{}`", at.name());
            let found = list(&at, time)
                .and_then(|asked| consumer.offsets_for_times(asked, REQUEST))
                .map_err(|error| failed(&what, &error))?;
            let found = found.elements().first().map(|found| (found.error().err(), found.offset()));
            match found {
                Some((Some(error), _)) => Err(failed(&what, &error)),
                Some((None, Offset::Offset(offset))) => Ok(Some(offset)),
                _ => Ok(None),
            }
        })
        .await
    }

    /// Has the partition fetched into a queue of its own. The queue is made first, or the first records would go to another.
    async fn assign(
        &self,
        position: i64,
        signals: &Arc<PartitionSignals>,
    ) -> Result<PartitionQueue<ClientEvents>, ConnectorError> {
        let (at, signals) = (self.at.clone(), signals.clone());
        asking(&self.consumer, move |consumer| {
            let what = format!("begin to read `{}`", at.name());
            let mut queue = consumer
                .split_partition_queue(&at.topic, at.number)
                .ok_or_else(|| Fault::UnknownTopic { topic: at.topic.to_string() }.at(&what))?;
            queue.set_nonempty_callback(move || signals.wake.notify_one());
            let assigned = list(&at, position).and_then(|list| consumer.incremental_assign(&list));
            assigned.map_err(|error| failed(&what, &error))?;
            Ok(queue)
        })
        .await
    }

    async fn unassign(&self) -> Result<(), ConnectorError> {
        let at = self.at.clone();
        asking(&self.consumer, move |consumer| {
            let gone = list(&at, 0).and_then(|list| consumer.incremental_unassign(&list));
            gone.map_err(|error| failed(&format!("begin again with `{}`", at.name()), &error))
        })
        .await
    }
}

/// A partition with an offset, or a time where that is asked for, as librdkafka takes it.
fn list(at: &TopicPartition, offset: i64) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(&at.topic, at.number, Offset::Offset(offset))?;
    Ok(list)
}
