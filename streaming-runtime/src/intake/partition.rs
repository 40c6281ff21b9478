//! A part of a source with an order and positions of its own.

use std::{fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    contract::{
        error::ConnectorError,
        receipt::{Receipt, Receipts, receipt},
    },
    intake::{
        partitions::{ChunkOrigin, NotAsBefore},
        sender::{Digest, RecordSender, SendError},
    },
};

/// A part of a source whose records have an order: a partition of a topic, a shard, a file, a connection. Partitions send side by
/// side, each from a future of its own, and may come and go while the job runs.
///
/// A source that [replays](crate::connect::Recovery::Replays) gives each partition the records behind its
/// [position](Partition::resume_from) again after a crash. The engine gives a batch that runs again the records that it had of each
/// partition, in whichever order they come. So a partition must not wait for another one.
///
/// A source sends all its records either by partitions or by [`SourceContext::send`](crate::connect::SourceContext::send).
///
/// ```
/// use streaming_runtime::connect::{ConnectorError, Recovery, Source, SourceContext};
///
/// /// The numbers of several logs, each from its beginning.
/// struct Logs(Vec<(String, Vec<u64>)>);
///
/// impl Source<u64> for Logs {
///     const RECOVERY: Recovery = Recovery::Replays;
///
///     async fn run(self, out: SourceContext<u64>) -> Result<(), ConnectorError> {
///         let logs = self.0.into_iter().map(|(name, numbers)| {
///             let mut log = out.partition(name);
///             async move {
///                 let begin = log.resume_from()?.unwrap_or(0);
///                 for (n, number) in numbers.into_iter().enumerate().skip(begin) {
///                     log.send(vec![number], &(n + 1)).await?;
///                 }
///                 Ok::<_, ConnectorError>(())
///             }
///         });
///         futures::future::try_join_all(logs).await.map(drop)
///     }
/// }
/// ```
pub struct Partition<T> {
    name: String,
    sender: RecordSender<T>,
    digest: Option<Digest<T>>,
}

impl<T> fmt::Debug for Partition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A position as the checkpoint has it. What cannot be JSON, such as a map with keys that are no strings, would show at the
/// source's first test.
fn written(position: &impl Serialize) -> Value {
    serde_json::to_value(position).expect("a position can be written as JSON")
}

impl<T> Partition<T> {
    pub(crate) fn new(name: String, sender: RecordSender<T>) -> Self {
        Partition { name, sender, digest: None }
    }

    /// Has a number made of each record, such as a checksum of its bytes. A batch that runs again after a crash must have records of
    /// the same sum, or the next [`send`](Partition::send) is an error. The number must depend on nothing but the record.
    pub fn with_digest(mut self, digest: fn(&T) -> u64) -> Self {
        // Without a checkpoint no batch runs again.
        self.digest = self.sender.track.progress.keeps().then_some(digest);
        self
    }

    /// The most records per second that this partition may send, Spark's `spark.streaming.kafka.maxRatePerPartition`; more than 0. It
    /// holds beside the rate of the source, and as that does: see [`Engine::max_rate`](crate::Engine::max_rate).
    pub fn with_max_rate(mut self, records_per_second: f64) -> Self {
        self.sender.admission.limit(records_per_second);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins: the position that it last reached before a crash or a stop, if the job goes on from a checkpoint, or in
    /// this run, if its source was made anew. The source sends everything behind that position; the engine leaves out what was in
    /// batches already.
    ///
    /// # Errors
    /// [`ConnectorError::Config`] if the position has another type: the checkpoint is of another source.
    pub fn resume_from<P: DeserializeOwned>(&self) -> Result<Option<P>, ConnectorError> {
        self.read(self.sender.track.progress.partition_position(&self.name))
    }

    /// Where it was at the end of the batch that is replayed now after a crash, if one is.
    ///
    /// # Errors
    /// As [`resume_from`](Partition::resume_from).
    pub fn replay_position<P: DeserializeOwned>(&self) -> Result<Option<P>, ConnectorError> {
        self.read(self.sender.track.progress.partition_replay_position(&self.name))
    }

    fn read<P: DeserializeOwned>(&self, position: Option<Value>) -> Result<Option<P>, ConnectorError> {
        let Some(position) = position else { return Ok(None) };
        let read = serde_json::from_value(position.clone());
        read.map(Some).map_err(|error| {
            ConnectorError::Config(format!(
                "the checkpoint has a position of partition `{}` that this source does not know, {position}: {error}; give the port \
                 the kind of source that it had, or begin with a new checkpoint",
                self.name
            ))
        })
    }

    /// Sends records in their order, and records that they and all before them lie before `position`; no batch ends between the last
    /// of them and that. Records may be empty. Waits while the job is behind, as [`SourceContext::send`](crate::connect::SourceContext::send) does.
    ///
    /// If the future is dropped before it is done, a prefix was sent and the position is the one before.
    ///
    /// # Errors
    /// [`ConnectorError::Closed`] when the job has ended. [`ConnectorError::Changed`] if what is read again is not what it
    /// was: a batch that runs again had as many records of this partition, and ended at another position or had another
    /// [digest](Partition::with_digest).
    pub async fn send(&mut self, records: Vec<T>, position: &impl Serialize) -> Result<(), ConnectorError> {
        self.send_with(records, Some(written(position)), None).await
    }

    /// Sends records that lie behind its last position, without a new one. When the partition is read again from that position, the
    /// engine leaves out those that were in batches already.
    ///
    /// # Errors
    /// As [`send`](Partition::send).
    pub async fn send_unplaced(&mut self, records: Vec<T>) -> Result<(), ConnectorError> {
        self.send_with(records, None, None).await
    }

    /// As [`send`](Partition::send), with a receipt, see [`SourceContext::send_tracked`](crate::connect::SourceContext::send_tracked).
    ///
    /// # Errors
    /// As [`send`](Partition::send).
    pub async fn send_tracked(
        &mut self,
        records: Vec<T>,
        position: &impl Serialize,
    ) -> Result<Receipt, ConnectorError> {
        let (addressee, receipt) = receipt();
        self.send_with(records, Some(written(position)), Receipts::new(vec![addressee])).await?;
        Ok(receipt)
    }

    async fn send_with(
        &mut self,
        records: Vec<T>,
        position: Option<Value>,
        receipts: Option<Receipts>,
    ) -> Result<(), ConnectorError> {
        let origin = ChunkOrigin { partition: Some(&self.name), reached: position.clone(), digest: None };
        self.sender.send(origin, records, receipts, self.digest).await.map_err(|error| match error {
            SendError::Closed => ConnectorError::Closed,
            SendError::NotAsBefore(other) => ConnectorError::Changed {
                what: self.name.clone(),
                how: match (other, position.unwrap_or_default()) {
                    (NotAsBefore::Position(then), position) => {
                        format!("a batch ended at {then}, and with as many records it ends at {position}")
                    }
                    (NotAsBefore::Contents, Value::Null) => "a batch had other records".to_owned(),
                    (NotAsBefore::Contents, position) => {
                        format!("a batch had other records, before {position}")
                    }
                },
            },
        })
    }

    /// Reports how many records wait at the other end. That is in [`SourceMetrics::partitions`](crate::metrics::SourceMetrics) and in
    /// [`Job::explain`](crate::Job::explain), and where the source has a [rate](crate::Engine::max_rate) the partitions share it by that.
    pub fn set_lag(&self, records: u64) {
        self.sender.admission.set_lag(records);
        self.sender.track.progress.set_lag(&self.name, Some(records));
    }

    /// As [`set_lag`](Partition::set_lag), where the other end knows no number of records, and how far behind its end they are read.
    /// Partitions share a rate by that, so a source reports either of all of them.
    pub fn set_lag_time(&self, behind: Duration) {
        self.sender.admission.set_lag(u64::try_from(behind.as_millis()).unwrap_or(u64::MAX));
        self.sender.track.progress.set_lag_time(&self.name, behind);
    }

    /// The partition is gone for good, and its position is in no checkpoint behind the open batch. Should it come back, it begins anew.
    ///
    /// # Errors
    /// [`ConnectorError::Changed`] if a batch that runs again after a crash had records of it that were not sent again.
    pub fn retire(self) -> Result<(), ConnectorError> {
        self.sender.track.progress.retire(&self.name).map_err(|missing| ConnectorError::Changed {
            what: self.name,
            how: format!("it is gone, and {missing} of its records are missing"),
        })
    }
}
