//! Topics as sinks.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use crate::{
    BatchTime,
    connect::{
        Batch, CheckpointId, CheckpointMark, ConnectorError, Delivery, PortContext, Retry, Sink, Target,
    },
    connectors::kafka::{
        changes::{counted, upserts},
        fault::unreachable,
        progress,
        record::{AsIs, IntoRecord, Record},
        sink_settings::{SinkIdentity, SinkSettings},
        writer::WriterThread,
    },
};

/// How [`append`](super::append) writes.
#[derive(Debug)]
pub enum Appended {}
/// How [`changes`](super::changes) writes.
#[derive(Debug)]
pub enum Changes {}
/// How [`upserts`](super::upserts) writes.
#[derive(Debug)]
pub enum Upserts {}

/// A topic as a sink: [`append`](super::append), [`changes`](super::changes) or [`upserts`](super::upserts).
pub struct TopicSink<M, F = AsIs> {
    settings: SinkSettings,
    format: Arc<F>,
    /// From `open` on.
    writer: Option<WriterThread>,
    mark: Option<CheckpointMark>,
    mode: PhantomData<fn() -> M>,
}

impl<M, F> fmt::Debug for TopicSink<M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicSink").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<M> TopicSink<M> {
    pub(super) fn new(brokers: String, topic: String) -> Self {
        let settings = SinkSettings::new(brokers, topic);
        TopicSink { settings, format: Arc::new(AsIs), writer: None, mark: None, mode: PhantomData }
    }
}

impl<M, F> TopicSink<M, F> {
    /// How to make a record for the topic, for instance `.format(|(word, n): (String, i64)| (word, n.to_string()))`. What it returns is
    /// a [`Record`], or a text, bytes, or a pair of a key and a payload.
    pub fn format<T, R: Into<Record>, G: Fn(T) -> R + Send + Sync + 'static>(
        self,
        format: G,
    ) -> TopicSink<M, G> {
        let TopicSink { settings, writer, mark, mode, .. } = self;
        TopicSink { settings, format: Arc::new(format), writer, mark, mode }
    }
    /// In place of the names of job and port. By it, and the number of the process, the brokers tell this sink from others (its
    /// transactional id is `streaming-NAME-0`), and its progress is found after a restart: it must stay the same.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }
    /// The compacted topic for the progress of the sink: `streaming-progress-` and the job's name by default. Sinks may share it. It is
    /// made if it is missing.
    pub fn progress_topic(mut self, topic: impl Into<String>) -> Self {
        self.settings.progress_topic = Some(topic.into());
        self
    }
    /// How many copies that topic has, if it is to be made: as many as the brokers give by default (`default.replication.factor`).
    pub fn progress_copies(mut self, copies: u16) -> Self {
        self.settings.progress_copies = Some(copies.max(1));
        self
    }
    /// How often a batch is tried again, and brokers that are away are asked, at the start and later. See [the module](super).
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }
    /// When the brokers give up a transaction: after 60 s by default, at least 10 s. What a process leaves open that was killed keeps
    /// `read_committed` consumers waiting, until the job is started again or this time is over. The sink itself gives up an attempt after
    /// three quarters of it. The brokers' `transaction.max.timeout.ms` bounds it.
    pub fn transaction_timeout(mut self, limit: Duration) -> Self {
        self.settings.transaction_timeout = limit;
        self
    }
    /// Any setting of librdkafka that the connector does not set itself. Passwords and keys are shown nowhere.
    pub fn option(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.client.set(key, value);
        self
    }

    /// A name that the program gives may be given twice; those by job and port differ.
    fn given_name(&self) -> Vec<Target> {
        let name = self.settings.name.iter();
        name.map(|name| Target::named(format!("sink {name} at {}", self.settings.client.brokers))).collect()
    }

    fn writer(&self) -> Result<&WriterThread, ConnectorError> {
        let writer = self.writer.as_ref();
        writer.ok_or_else(|| ConnectorError::Config("a sink of Kafka is opened before it is used".into()))
    }

    async fn connect(&mut self, port: &PortContext) -> Result<(), ConnectorError> {
        self.settings.check()?;
        let identity = SinkIdentity::of(&self.settings, port);
        let writer = WriterThread::start(self.settings.clone(), identity.clone())?;
        let is_there = writer.call(|writer| writer.look()).await?;
        let mut backoff = self.settings.retry.backoff();
        while let Err(error) = progress::prepare(&self.settings, &identity, is_there).await {
            tokio::time::sleep(backoff.after(error).map_err(unreachable)?).await;
        }
        self.mark = writer.call(|writer| writer.take_over().and_then(|()| writer.mark())).await?;
        self.writer = Some(writer);
        Ok(())
    }

    async fn last_batch(&self) -> Result<Option<BatchTime>, ConnectorError> {
        self.writer()?.call(|writer| Ok(writer.last())).await
    }

    async fn note(&self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.writer()?.call(move |writer| writer.mark_checkpoint(checkpoint)).await
    }

    /// Writes what `records` makes, on the sink's thread.
    async fn deliver(
        &self,
        time: BatchTime,
        records: impl FnOnce() -> Result<Vec<Record>, ConnectorError> + Send + 'static,
    ) -> Result<(), ConnectorError> {
        self.writer()?.call(move |writer| writer.write(time, &records()?)).await
    }
}

/// The parts of a sink of Kafka that are the same however it writes.
macro_rules! transactional {
    () => {
        const MAY_BLOCK: bool = false;
        const DELIVERY: Delivery = Delivery::Transactional;
        const SKIPS_EMPTY: bool = true;

        fn targets(&self) -> Vec<Target> {
            self.given_name()
        }

        fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
            Ok(self.mark)
        }

        async fn open(&mut self, context: &PortContext) -> Result<(), ConnectorError> {
            self.connect(context).await
        }

        async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
            self.last_batch().await
        }

        async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
            self.note(checkpoint).await
        }
    };
}

impl<T: Send + 'static, F: IntoRecord<T>> Sink<T> for TopicSink<Appended, F> {
    transactional!();

    async fn write(&mut self, Batch { time, records }: Batch<T>) -> Result<(), ConnectorError> {
        let format = self.format.clone();
        self.deliver(time, move || Ok(records.into_iter().map(|record| format.record(record)).collect()))
            .await
    }
}

impl<T: Send + 'static, F: IntoRecord<T>> Sink<(T, i64)> for TopicSink<Changes, F> {
    transactional!();

    async fn write(&mut self, Batch { time, records }: Batch<(T, i64)>) -> Result<(), ConnectorError> {
        let format = self.format.clone();
        let record = move |(record, n)| counted(format.record(record), n);
        self.deliver(time, move || Ok(records.into_iter().map(record).collect())).await
    }
}

impl<T: Send + 'static, F: IntoRecord<T>> Sink<(T, i64)> for TopicSink<Upserts, F> {
    transactional!();

    async fn write(&mut self, Batch { time, records }: Batch<(T, i64)>) -> Result<(), ConnectorError> {
        let (format, topic) = (self.format.clone(), self.settings.topic.clone());
        let changes = records.into_iter().map(move |(record, n)| (format.record(record), n));
        self.deliver(time, move || upserts(&topic, changes)).await
    }
}
