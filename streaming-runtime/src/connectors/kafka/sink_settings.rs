//! What a sink is told, and whom it is by that.

use std::time::Duration;

use crate::{
    connect::{ConnectorError, PortContext, Retry},
    connectors::kafka::settings::ClientSettings,
};

/// The shortest transaction that makes sense: each request of one may take some seconds.
const SHORTEST: Duration = Duration::from_secs(10);

/// The settings of a sink.
#[derive(Clone, Debug)]
pub(super) struct SinkSettings {
    pub(super) client: ClientSettings,
    pub(super) topic: String,
    /// In place of job and port.
    pub(super) name: Option<String>,
    /// Of progress, in place of that of the job.
    pub(super) progress_topic: Option<String>,
    /// Copies of that topic, if it is to be made; the brokers' default if `None`.
    pub(super) progress_copies: Option<u16>,
    pub(super) retry: Retry,
    pub(super) transaction_timeout: Duration,
}

impl SinkSettings {
    pub(super) fn new(brokers: String, topic: String) -> Self {
        SinkSettings {
            client: ClientSettings::new(brokers),
            topic,
            name: None,
            progress_topic: None,
            progress_copies: None,
            retry: Retry::default(),
            transaction_timeout: Duration::from_secs(60),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConnectorError> {
        if self.topic.is_empty() {
            return Err(ConnectorError::Config("name a topic to write to".into()));
        }
        if self.transaction_timeout < SHORTEST {
            return Err(ConnectorError::Config(format!(
                "a transaction of {:?} at most is too short for brokers to answer: give `.transaction_timeout(..)` {SHORTEST:?} or more",
                self.transaction_timeout
            )));
        }
        Ok(())
    }

    /// How long the sink itself works on a transaction. The brokers give it up later, or they would take this process for another.
    pub(super) fn attempt_limit(&self) -> Duration {
        self.transaction_timeout * 3 / 4
    }
}

/// Who a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SinkIdentity {
    /// Also the key of its progress.
    pub(super) transactional_id: String,
    pub(super) progress_topic: String,
}

impl SinkIdentity {
    pub(super) fn of(settings: &SinkSettings, port: &PortContext) -> Self {
        let name = settings.name.clone().unwrap_or_else(|| format!("{}-{}", port.job, port.port));
        SinkIdentity {
            transactional_id: format!("streaming-{name}-{}", port.process),
            progress_topic: settings.progress_topic.clone().unwrap_or_else(|| progress_topic(&port.job)),
        }
    }
}

/// The name of the topic for the progress of a job's sinks. Topics have letters, digits, `.`, `_` and `-`, up to 249.
fn progress_topic(job: &str) -> String {
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
    let plain: String =
        job.chars().map(|letter| if is_allowed(&letter) { letter } else { '_' }).take(180).collect();
    match plain == job {
        true => format!("streaming-progress-{plain}"),
        // Jobs whose names differ only in what was replaced have topics of their own.
        false => format!("streaming-progress-{plain}-{:08x}", crc32fast::hash(job.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_topics_are_allowed_and_differ() {
        assert_eq!(progress_topic("orders.v2"), "streaming-progress-orders.v2");
        let (one, other) = (progress_topic("a job"), progress_topic("a/job"));
        assert!(one != other && one.starts_with("streaming-progress-a_job-"), "{one} {other}");
        assert!(progress_topic(&"x".repeat(1000)).len() < 249);
    }

    #[test]
    fn a_transaction_has_time() {
        let mut settings = SinkSettings::new("b".into(), "t".into());
        assert!(settings.check().is_ok() && settings.attempt_limit() < settings.transaction_timeout);
        settings.transaction_timeout = Duration::from_millis(5);
        assert!(settings.check().expect_err("too short").to_string().contains("transaction_timeout"));
    }
}
