//! One shard of a stream.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_kinesis::{
    operation::get_records::GetRecordsOutput,
    primitives::DateTime,
    types::{self, ShardIteratorType},
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    connect::{ConnectorError, Partition},
    connectors::kinesis::{
        client::Client,
        fault::{Fault, fault_of},
        record::{Shape, take_apart},
        shards::{ShardMap, children},
    },
};

/// The least that a stream keeps its records is a day. An iterator that was good so lately has lost nothing.
const SURELY_KEPT: Duration = Duration::from_secs(3600);

/// Where shards begin that no checkpoint knows.
#[derive(Clone, Debug)]
pub(super) enum Start {
    TrimHorizon,
    /// The first record of this time or later, in milliseconds.
    Time(i64),
    /// These, by shard; others at the earliest.
    SequenceNumbers(BTreeMap<String, String>),
}

/// Where a shard is read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Position {
    /// The first record that there is.
    TrimHorizon,
    /// The first record that arrived at this time or later, in milliseconds.
    Time(i64),
    /// The record of this number.
    At(String),
    /// What comes after the record of this number.
    After(String),
}

impl Start {
    pub(super) fn of(&self, shard: &str) -> Position {
        match self {
            Start::TrimHorizon => Position::TrimHorizon,
            Start::Time(time) => Position::Time(*time),
            Start::SequenceNumbers(numbers) => {
                numbers.get(shard).map_or(Position::TrimHorizon, |number| Position::At(number.clone()))
            }
        }
    }
}

/// What a source does where the record at its position is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLostRecords {
    /// It ends the job with [`Fault::LostRecords`].
    Fail,
    /// It goes on at the earliest record that there is, and counts this as `kinesis lost positions`.
    Earliest,
}

/// Reads one shard.
pub(super) struct Reader<S: Shape> {
    pub(super) client: Arc<Client>,
    pub(super) partition: Partition<S::Record>,
    pub(super) position: Position,
    pub(super) on_lost: OnLostRecords,
    pub(super) lost: Arc<AtomicU64>,
    pub(super) poll_every: Duration,
    /// Whether nothing is written to it any more.
    pub(super) is_closed: Arc<AtomicBool>,
}

/// A shard that is drained: those that came of it, and its partition.
pub(super) struct Drained<T> {
    pub(super) children: ShardMap,
    pub(super) partition: Partition<T>,
}

impl<S: Shape> Reader<S> {
    /// Reads until the shard is closed and drained.
    pub(super) async fn run(mut self) -> Result<Drained<S::Record>, ConnectorError> {
        let mut good_at = None::<Instant>;
        loop {
            let is_fresh = good_at.is_some_and(|then| then.elapsed() < SURELY_KEPT);
            // The record at the position has to be there, or nobody knows what was lost with it.
            let mut verified = is_fresh || matches!(self.position, Position::TrimHorizon | Position::Time(_));
            let mut iterator = self.iterator(verified).await?;
            // The iterator expires five minutes after an answer, or is not found any more.
            while let Some(current) = iterator {
                let asked_at = Instant::now();
                let was_closed = self.is_closed.load(Ordering::Relaxed);
                let Some(answer) = self.records(&current).await? else { break };
                good_at = Some(asked_at);
                let behind = answer.millis_behind_latest.unwrap_or(0);
                let is_empty = answer.records.is_empty();
                let came_of_it = answer.child_shards.clone().unwrap_or_default();
                iterator = answer.next_shard_iterator.clone();
                let is_end = iterator.is_none() || (was_closed && is_empty && behind == 0);
                if !verified {
                    let found = self.verify(&answer, is_end || (is_empty && behind == 0));
                    match found {
                        Some(true) => verified = true,
                        Some(false) => {
                            self.lose()?;
                            break;
                        }
                        None => {}
                    }
                }
                self.send(answer.records).await?;
                self.partition.set_lag_time(Duration::from_millis(u64::try_from(behind).unwrap_or(0)));
                if is_end {
                    return Ok(Drained { children: children(came_of_it), partition: self.partition });
                }
                tokio::time::sleep_until(asked_at + self.poll_every).await;
            }
        }
    }

    /// Whether the record at the position is there; `None` if that is not known yet.
    fn verify(&self, answer: &GetRecordsOutput, is_all: bool) -> Option<bool> {
        let (Position::At(number) | Position::After(number)) = &self.position else { return Some(true) };
        match answer.records.first() {
            Some(first) => Some(first.sequence_number == *number),
            None => is_all.then_some(false),
        }
    }

    /// The record at the position is not there any more.
    fn lose(&mut self) -> Result<(), ConnectorError> {
        let (Position::At(number) | Position::After(number)) = &self.position else { return Ok(()) };
        let (shard, position) = (self.partition.name().to_owned(), number.clone());
        if self.on_lost == OnLostRecords::Fail {
            return Err(Fault::LostRecords { shard, position }.at("read on"));
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(target: "streaming_runtime::kinesis", shard, position, "the record is gone; going on at the earliest");
        self.position = Position::TrimHorizon;
        Ok(())
    }

    /// An iterator at the position: behind its record only if that is known to be there.
    async fn iterator(&mut self, is_verified: bool) -> Result<Option<String>, ConnectorError> {
        let shard = self.partition.name().to_owned();
        let what = format!("begin to read shard `{shard}`");
        let request =
            self.client.kinesis.get_shard_iterator().stream_name(&self.client.stream).shard_id(&shard);
        let request = match &self.position {
            Position::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Position::Time(time) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(*time)),
            Position::After(number) if is_verified => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number),
            Position::At(number) | Position::After(number) => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(number),
        };
        match self.client.ask(&what, || request.clone().send()).await {
            Ok(answer) => Ok(answer.shard_iterator),
            // The number is of another stream: that of this name was made anew.
            Err(ConnectorError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::InvalidInput
                    && matches!(self.position, Position::At(_) | Position::After(_)) =>
            {
                tracing::warn!(target: "streaming_runtime::kinesis", shard, %source, "the position is refused");
                self.lose()?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The next records; `None` if the iterator has expired.
    async fn records(&self, iterator: &str) -> Result<Option<GetRecordsOutput>, ConnectorError> {
        let what = format!("read shard `{}`", self.partition.name());
        let asked =
            self.client.ask(&what, || self.client.kinesis.get_records().shard_iterator(iterator).send());
        match asked.await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(fault_of(&error), Some(Fault::Expired)) => {
                tracing::debug!(target: "streaming_runtime::kinesis", shard = self.partition.name(), "the iterator has expired");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends what comes behind the position, and moves that.
    async fn send(&mut self, records: Vec<types::Record>) -> Result<(), ConnectorError> {
        let mut taken = Vec::with_capacity(records.len());
        let mut reached = None;
        for record in records {
            let is_before = match &self.position {
                Position::After(number) => record.sequence_number == *number,
                Position::Time(time) => record
                    .approximate_arrival_timestamp
                    .and_then(|arrived| arrived.to_millis().ok())
                    .is_some_and(|arrived| arrived < *time),
                Position::TrimHorizon | Position::At(_) => false,
            };
            if is_before {
                continue;
            }
            let (number, before) = (record.sequence_number.clone(), taken.len());
            take_apart(self.partition.name(), record, &mut taken);
            // A position stands for a number of records: what has none does not move it.
            if taken.len() > before {
                reached = Some(Position::After(number));
            }
        }
        let Some(reached) = reached else { return Ok(()) };
        let records = taken.into_iter().map(S::shape).collect();
        self.partition.send(records, &reached).await?;
        self.position = reached;
        Ok(())
    }
}
