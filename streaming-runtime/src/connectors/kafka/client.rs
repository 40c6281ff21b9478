//! A consumer, and what it says between records.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext, Statistics,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::sync::Notify;

use crate::{
    connect::ConnectorError,
    connectors::kafka::{
        fault::{failed, is_away, is_forbidden, joined},
        settings::ClientSettings,
    },
};

/// How long one request may take.
pub(super) const REQUEST: Duration = Duration::from_secs(3);

/// How often the client is asked what else there is, should it not say so itself.
const SERVE_EVERY: Duration = Duration::from_millis(500);

/// What librdkafka has by default is up to 64 MiB for each partition, and a pause of a second when that is full.
const DEFAULTS: [(&str, &str); 4] = [
    ("isolation.level", "read_committed"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.queue.backoff.ms", "10"),
    ("client.id", "streaming-runtime"),
];

/// The source decides where each partition begins, and what is done where a position is lost.
const OWN: [(&str, &str); 6] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    ("auto.offset.reset", "error"),
    ("allow.auto.create.topics", "false"),
    ("statistics.interval.ms", "1000"),
];

/// A consumer of topics.
pub(super) type TopicConsumer = BaseConsumer<ClientEvents>;

/// What a partition's reader waits for.
#[derive(Debug)]
pub(super) struct PartitionSignals {
    /// There are records, or something to look at.
    pub(super) wake: Notify,
    /// The end that the brokers last told, or -1.
    pub(super) high: AtomicI64,
    /// Whether the brokers do not know the partition any more.
    pub(super) gone: AtomicBool,
}

impl Default for PartitionSignals {
    fn default() -> Self {
        PartitionSignals { wake: Notify::new(), high: AtomicI64::new(-1), gone: AtomicBool::new(false) }
    }
}

type Signals = HashMap<String, HashMap<i32, Arc<PartitionSignals>>>;

/// What the threads of librdkafka tell those of the source.
#[derive(Debug, Default)]
pub(super) struct ClientState {
    /// The main queue has something.
    events: Notify,
    /// Brokers may be away.
    pub(super) doubt: Notify,
    /// What is tried again, and how often it was.
    trouble: Mutex<Option<String>>,
    /// Commits that the brokers refused.
    pub(super) failed_commits: AtomicU64,
    signals: Mutex<Signals>,
}

impl ClientState {
    /// The signals of a partition.
    pub(super) fn signals(&self, topic: &str, partition: i32) -> Arc<PartitionSignals> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.entry(topic.to_owned()).or_default().entry(partition).or_default().clone()
    }

    /// What is tried again, for whoever asks why nothing comes.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Takes what librdkafka says.
#[derive(Debug)]
pub(super) struct ClientEvents(Arc<ClientState>);

/// A line of librdkafka's log. Brokers that are away are told of once a client has tried in vain.
pub(super) fn logged(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::warn!(target: "streaming_runtime::kafka", facility, "{line}");
        }
        _ => tracing::debug!(target: "streaming_runtime::kafka", facility, "{line}"),
    }
}

impl ClientContext for ClientEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        logged(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        let signals = self.0.signals.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, partitions) in &*signals {
            let Some(topic) = statistics.topics.get(topic) else { continue };
            for (number, signals) in partitions {
                if let Some(partition) = topic.partitions.get(number) {
                    let high = partition.ls_offset.max(partition.hi_offset);
                    if signals.high.swap(high, Ordering::Relaxed) != high {
                        signals.wake.notify_one();
                    }
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "streaming_runtime::kafka", %error, "{reason}");
    }
}

impl ConsumerContext for ClientEvents {}

/// A consumer. It is closed on a thread for that, because closing waits for brokers.
pub(super) struct Connection {
    consumer: Option<Arc<TopicConsumer>>,
    pub(super) state: Arc<ClientState>,
}

impl Connection {
    /// Makes a consumer; it connects in the background.
    pub(super) fn new(settings: &ClientSettings, group: &str) -> Result<Self, ConnectorError> {
        let state = Arc::<ClientState>::default();
        let own: Vec<_> = OWN.into_iter().chain([("group.id", group)]).collect();
        let mut consumer: TopicConsumer = settings.create(&DEFAULTS, &own, ClientEvents(state.clone()))?;
        let events = state.clone();
        consumer.set_nonempty_callback(move || events.events.notify_one());
        Ok(Connection { consumer: Some(Arc::new(consumer)), state })
    }

    pub(super) fn consumer(&self) -> &Arc<TopicConsumer> {
        self.consumer.as_ref().expect("it is there until this is dropped")
    }

    /// Takes what librdkafka says that is of no partition, until that ends the job.
    pub(super) async fn serve(&self) -> ConnectorError {
        loop {
            while let Some(event) = self.consumer().poll(Duration::ZERO) {
                let Err(error) = event else {
                    return ConnectorError::other("a record came that is of no partition of this source");
                };
                match error.rdkafka_error_code() {
                    // The group is for tools: a commit that fails says so.
                    Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {}
                    Some(code) if is_forbidden(code) => return failed("read from Kafka", &error),
                    Some(code) if is_away(code) => self.state.doubt.notify_one(),
                    _ => tracing::warn!(target: "streaming_runtime::kafka", %error, "the client says"),
                }
            }
            let _ = tokio::time::timeout(SERVE_EVERY, self.state.events.notified()).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        // Without a thread to wait on, this one waits.
        let _ = std::thread::Builder::new().name("kafka-close".into()).spawn(move || drop(consumer));
    }
}

/// Does what waits for brokers on a thread where waiting holds up nobody.
pub(super) async fn asking<T: Send + 'static>(
    consumer: &Arc<TopicConsumer>,
    ask: impl FnOnce(&Arc<TopicConsumer>) -> Result<T, ConnectorError> + Send + 'static,
) -> Result<T, ConnectorError> {
    let consumer = consumer.clone();
    joined(tokio::task::spawn_blocking(move || ask(&consumer)).await)
}

/// The first offset of a partition, and its end.
pub(super) fn watermarks(
    consumer: &TopicConsumer,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), ConnectorError> {
    let asked = consumer.fetch_watermarks(topic, partition, REQUEST);
    asked.map_err(|error| failed(&format!("ask for the offsets of `{topic}/{partition}`"), &error))
}
