//! How far a sink is: a record in a compacted topic of the job's, written in the transaction of the batch.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientContext, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::Message as _,
    topic_partition_list::Offset,
};
use serde::{Deserialize, Serialize};

use crate::{
    BatchTime,
    connect::{CheckpointId, CheckpointMark, ConnectorError},
    connectors::kafka::{
        client::{REQUEST, logged},
        fault::{Fault, failed, is_forbidden},
        patience::Patience,
        sink_settings::{SinkIdentity, SinkSettings},
    },
};

/// All sinks of a job have one partition.
pub(super) const PARTITION: i32 = 0;

/// The last record of a sink is nearly always among so many at the end of the topic.
const TAIL: i64 = 1_000;

/// Segments end early, so that compaction keeps the topic short.
const TOPIC: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "16777216"),
    ("segment.ms", "3600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
];

/// What a sink has committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Of the job, if it keeps one.
    checkpoint: Option<String>,
    /// The time of the last batch that had records, in nanoseconds since the Unix epoch.
    batch: Option<u64>,
    /// Which run of a process has written it.
    session: String,
}

impl Progress {
    pub(super) fn new(session: &str) -> Self {
        Progress { checkpoint: None, batch: None, session: session.to_owned() }
    }

    /// The same, of this run, for another checkpoint.
    pub(super) fn of_checkpoint(self, checkpoint: CheckpointId, session: &str) -> Self {
        Progress { checkpoint: Some(checkpoint.to_string()), session: session.to_owned(), ..self }
    }

    /// The same, of this run, with one batch more.
    pub(super) fn with_batch(self, batch: BatchTime, session: &str) -> Self {
        Progress { batch: Some(batch.as_nanos()), session: session.to_owned(), ..self }
    }

    pub(super) fn last(&self) -> Option<BatchTime> {
        self.batch.map(BatchTime::from_nanos)
    }

    pub(super) fn mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(None) };
        let checkpoint = checkpoint.parse().map_err(ConnectorError::permanent)?;
        Ok(Some(CheckpointMark { checkpoint, last: self.last() }))
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("text and numbers are JSON")
    }
}

/// A client that asks, and notes why it may not.
struct Asking;

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        logged(level, facility, line);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "streaming_runtime::kafka", %error, "{reason}");
    }
}

impl ConsumerContext for Asking {}

type Reader = BaseConsumer<Asking>;

/// A consumer of the topic of progress.
fn reader(
    settings: &SinkSettings,
    identity: &SinkIdentity,
    isolation: &str,
) -> Result<Reader, ConnectorError> {
    let defaults = [("client.id", "streaming-runtime")];
    let own = [
        ("group.id", identity.transactional_id.as_str()),
        ("isolation.level", isolation),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "error"),
        ("allow.auto.create.topics", "false"),
        // The end is told by an answer without records, which is to come soon.
        ("fetch.wait.max.ms", "10"),
    ];
    settings.client.create(&defaults, &own, Asking)
}

/// librdkafka's error while doing `what`: that it is not let in is told by an event only.
fn refused(reader: &Reader, what: &str, error: &KafkaError) -> ConnectorError {
    while let Some(event) = reader.poll(Duration::ZERO) {
        match event {
            Err(event) if event.rdkafka_error_code().is_some_and(is_forbidden) => {
                return failed(what, &event);
            }
            _ => {}
        }
    }
    failed(what, error)
}

/// Whether there is such a topic. A broker that has just come up may not know it yet.
fn has_topic(reader: &Reader, topic: &str) -> Result<bool, ConnectorError> {
    let what = format!("look for topic `{topic}`");
    let metadata =
        reader.fetch_metadata(Some(topic), REQUEST).map_err(|error| refused(reader, &what, &error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found.map(|found| (found.error().map(Code::from), found.partitions().len())) {
        None
        | Some((Some(Code::UnknownTopicOrPartition | Code::UnknownTopic), _))
        | Some((None | Some(Code::NoError), 0)) => Ok(false),
        Some((None | Some(Code::NoError), _)) => Ok(true),
        Some((Some(code), _)) => Err(failed(&what, &KafkaError::MetadataFetch(code))),
    }
}

/// Looks for the topics of a sink; says whether there is one for its progress.
pub(super) fn look(
    settings: &SinkSettings,
    identity: &SinkIdentity,
    patience: &Patience,
) -> Result<bool, ConnectorError> {
    let reader = reader(settings, identity, "read_uncommitted")?;
    for left in (0..4).rev() {
        if has_topic(&reader, &settings.topic)? {
            return has_topic(&reader, &identity.progress_topic);
        }
        if left > 0 {
            patience.pause(Duration::from_millis(500))?;
        }
    }
    let topic = settings.topic.clone();
    Err(Fault::UnknownTopic { topic: topic.clone() }.at(&format!("look for topic `{topic}`")))
}

/// Waits until the topic of progress can be read.
pub(super) fn await_topic(
    settings: &SinkSettings,
    identity: &SinkIdentity,
    patience: &Patience,
) -> Result<(), ConnectorError> {
    let reader = reader(settings, identity, "read_uncommitted")?;
    for _ in 0..100 {
        if has_topic(&reader, &identity.progress_topic)? {
            return Ok(());
        }
        patience.pause(Duration::from_millis(100))?;
    }
    let topic = identity.progress_topic.clone();
    Err(Fault::UnknownTopic { topic: topic.clone() }.at(&format!("make topic `{topic}`")))
}

/// Makes the topic of progress, or makes sure that the one that is there forgets nothing.
pub(super) async fn prepare(
    settings: &SinkSettings,
    identity: &SinkIdentity,
    is_there: bool,
) -> Result<(), ConnectorError> {
    let admin: AdminClient<Asking> =
        settings.client.create(&[("client.id", "streaming-runtime")], &[], Asking)?;
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(10)));
    let name = identity.progress_topic.as_str();
    let what = format!("make topic `{name}`");
    if !is_there {
        let copies = TopicReplication::Fixed(settings.progress_copies.map_or(-1, i32::from));
        let topic =
            TOPIC.iter().fold(NewTopic::new(name, 1, copies), |topic, (key, value)| topic.set(key, value));
        let made =
            admin.create_topics([&topic], &options.operation_timeout(Some(Duration::from_secs(5)))).await;
        let made = made.map_err(|error| failed(&what, &error))?;
        return match made.into_iter().next() {
            // Another sink of the job was first.
            Some(Ok(_) | Err((_, Code::TopicAlreadyExists))) => Ok(()),
            Some(Err((_, code))) => Err(failed(&what, &KafkaError::AdminOp(code))),
            None => Err(Fault::Other { reason: "no answer".into() }.at(&what)),
        };
    }
    let described = admin.describe_configs([&ResourceSpecifier::Topic(name)], &options).await;
    // Whoever may not ask for settings may still read and write.
    let described = described.ok().and_then(|found| found.into_iter().next()?.ok());
    let policy = described.as_ref().and_then(|found| found.get("cleanup.policy")?.value.clone());
    match policy {
        Some(policy) if !policy.contains("compact") || policy.contains("delete") => {
            Err(Fault::NotCompacted { topic: name.to_owned() }.at(&format!("look at topic `{name}`")))
        }
        _ => Ok(()),
    }
}

/// Reads what a sink has committed. Its own transactions must be over.
pub(super) fn read(
    settings: &SinkSettings,
    identity: &SinkIdentity,
    patience: &Patience,
) -> Result<Option<Progress>, ConnectorError> {
    let topic = identity.progress_topic.as_str();
    let what = format!("read topic `{topic}`");
    // A sink of the job that is gone may have left a transaction open, which ends with its time.
    let limit = Instant::now() + settings.transaction_timeout + Duration::from_secs(30);
    let all = reader(settings, identity, "read_uncommitted")?;
    let ends = |reader: &Reader| {
        let ends = reader.fetch_watermarks(topic, PARTITION, REQUEST);
        ends.map_err(|error| refused(reader, &what, &error))
    };
    let (low, end) = ends(&all)?;
    let committed = reader(settings, identity, "read_committed")?;
    while ends(&committed)?.1 < end {
        if Instant::now() >= limit {
            let reason =
                format!("a transaction on `{topic}` has not ended within {:?}", settings.transaction_timeout);
            return Err(Fault::Other { reason }.at(&what));
        }
        patience.pause(Duration::from_millis(50))?;
    }
    for from in [end - TAIL, low] {
        if let Some(found) = last_since(&committed, identity, from.max(low), limit, patience)? {
            return Ok(Some(found));
        }
        if from <= low {
            break;
        }
    }
    Ok(None)
}

/// The last record of a sink among those since an offset.
fn last_since(
    reader: &Reader,
    identity: &SinkIdentity,
    from: i64,
    limit: Instant,
    patience: &Patience,
) -> Result<Option<Progress>, ConnectorError> {
    let SinkIdentity { transactional_id: key, progress_topic: topic } = identity;
    let what = format!("read topic `{topic}`");
    let mut place = TopicPartitionList::new();
    let placed = place.add_partition_offset(topic, PARTITION, Offset::Offset(from));
    placed.and_then(|()| reader.assign(&place)).map_err(|error| failed(&what, &error))?;
    let mut last = None;
    while Instant::now() < limit {
        patience.check()?;
        match reader.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(record)) if record.key() == Some(key.as_bytes()) => {
                let progress = record.payload().map(serde_json::from_slice::<Progress>);
                let none = |_| Fault::NoProgress { topic: topic.clone(), key: key.clone() }.at(&what);
                last = progress.transpose().map_err(none)?;
            }
            Some(Ok(_)) => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(last),
            Some(Err(error)) => return Err(failed(&what, &error)),
        }
    }
    Err(Fault::Other { reason: "its end was not reached in time".into() }.at(&what))
}
