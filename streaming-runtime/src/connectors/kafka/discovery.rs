//! Which topics and partitions there are.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use globset::{Glob, GlobMatcher};
use rdkafka::{consumer::Consumer as _, error::RDKafkaErrorCode, metadata::MetadataTopic};

use crate::{
    connect::{ConnectorError, Retry},
    connectors::kafka::{
        client::{ClientState, Connection, REQUEST, TopicConsumer, asking},
        fault::{Fault, failed, is_away, is_forbidden, unreachable},
        message::Topic,
    },
};

/// How often a broker must say that there is no such topic, and the pause in between: one that was just started, or just made the
/// topic, may not know it yet.
const MISSED: u32 = 4;
const MISSED_PAUSE: Duration = Duration::from_millis(500);

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TopicPartition {
    pub(super) topic: Topic,
    pub(super) number: i32,
}

impl TopicPartition {
    /// What it is called in checkpoints, metrics and errors. No topic has a slash in its name.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.topic, self.number)
    }
}

/// The topic of a partition with this name.
pub(super) fn topic_of(partition: &str) -> &str {
    partition.rsplit_once('/').map_or(partition, |(topic, _)| topic)
}

/// Which topics a source reads.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    /// These; each must be there.
    Named(Vec<Topic>),
    /// Those whose names match, whichever there are.
    Matching(String),
}

impl Selection {
    /// Whether the topic of this name is among them, gone or not.
    pub(super) fn names(&self, topic: &str) -> bool {
        matches!(self, Selection::Named(topics) if topics.iter().any(|named| &**named == topic))
    }

    fn matcher(&self) -> Result<Option<GlobMatcher>, ConnectorError> {
        let Selection::Matching(pattern) = self else { return Ok(None) };
        let glob = Glob::new(pattern)
            .map_err(|error| ConnectorError::Config(format!("no pattern of topics: {error}")))?;
        Ok(Some(glob.compile_matcher()))
    }

    /// The partitions that there are now.
    fn find(&self, consumer: &TopicConsumer) -> Result<BTreeSet<TopicPartition>, ConnectorError> {
        let mut found = BTreeSet::new();
        match (self, self.matcher()?) {
            (Selection::Named(topics), _) => {
                for topic in topics {
                    let what = format!("look for topic `{topic}`");
                    let metadata = consumer.fetch_metadata(Some(topic), REQUEST);
                    let metadata = metadata.map_err(|error| failed(&what, &error))?;
                    let described = metadata.topics().iter().find(|described| described.name() == &**topic);
                    let partitions =
                        described.map_or(Ok(BTreeSet::new()), |topic| partitions(topic, &what))?;
                    if partitions.is_empty() {
                        return Err(Fault::UnknownTopic { topic: topic.to_string() }.at(&what));
                    }
                    found.extend(partitions);
                }
            }
            (Selection::Matching(pattern), matcher) => {
                let what = format!("look for topics `{pattern}`");
                let metadata =
                    consumer.fetch_metadata(None, REQUEST).map_err(|error| failed(&what, &error))?;
                for topic in metadata.topics() {
                    // Topics of Kafka's own, and of jobs', are meant only by a pattern that says so.
                    let is_internal = topic.name().starts_with("__") && !pattern.starts_with("__");
                    let is_meant = matcher.as_ref().is_some_and(|matcher| matcher.is_match(topic.name()));
                    if is_meant && !is_internal {
                        found.extend(partitions(topic, &what)?);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The partitions of a topic; none if it is unknown.
fn partitions(topic: &MetadataTopic, what: &str) -> Result<BTreeSet<TopicPartition>, ConnectorError> {
    match topic.error().map(RDKafkaErrorCode::from) {
        None | Some(RDKafkaErrorCode::NoError) => {}
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            return Ok(BTreeSet::new());
        }
        Some(code) if is_away(code) => {
            return Err(failed(what, &rdkafka::error::KafkaError::MetadataFetch(code)));
        }
        Some(code) if is_forbidden(code) => {
            return Err(Fault::Forbidden { reason: format!("topic `{}`: {code}", topic.name()) }.at(what));
        }
        Some(code) => return Err(Fault::Other { reason: code.to_string() }.at(what)),
    }
    let name = Topic::from(topic.name());
    Ok(topic
        .partitions()
        .iter()
        .map(|found| TopicPartition { topic: name.clone(), number: found.id() })
        .collect())
}

/// Looks for partitions until there is an answer, as often as `retry` says.
pub(super) async fn find(
    connection: &Connection,
    selection: &Selection,
    retry: Retry,
) -> Result<BTreeSet<TopicPartition>, ConnectorError> {
    let mut missed = 0;
    loop {
        let found = retried(retry, connection.consumer(), &connection.state, {
            let selection = selection.clone();
            move |consumer| selection.find(consumer)
        });
        match found.await {
            Err(ConnectorError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound && missed + 1 < MISSED =>
            {
                missed += 1;
                tokio::time::sleep(MISSED_PAUSE).await;
            }
            found => return found,
        }
    }
}

/// Asks brokers until they answer, as often as `retry` says.
pub(super) async fn retried<T: Send + 'static>(
    retry: Retry,
    consumer: &Arc<TopicConsumer>,
    state: &ClientState,
    ask: impl Fn(&Arc<TopicConsumer>) -> Result<T, ConnectorError> + Clone + Send + 'static,
) -> Result<T, ConnectorError> {
    let mut backoff = retry.backoff();
    loop {
        match asking(consumer, ask.clone()).await {
            Ok(answer) => {
                if backoff.count() > 0 {
                    state.set_trouble(None);
                }
                return Ok(answer);
            }
            Err(error) => {
                if backoff.count() == 0 && error.may_pass() {
                    tracing::warn!(target: "streaming_runtime::kafka", %error, "no answer from the brokers; asking again");
                }
                let trouble = error.to_string();
                let wait = backoff.after(error).map_err(unreachable)?;
                state.set_trouble(Some(format!("{trouble}; asked {}", attempts(backoff.count(), retry))));
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// How often, and of how many times.
fn attempts(count: u32, retry: Retry) -> String {
    match retry.limit() {
        Some(limit) => format!("{count} times of at most {limit}"),
        None => format!("{count} times, without a limit"),
    }
}
