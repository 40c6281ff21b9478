//! What brokers refuse, and librdkafka's errors as those of connectors.

use std::{io, sync::Arc};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::connect::ConnectorError;

/// Why a topic cannot be read or written. It is inside a [`ConnectorError::Io`], and found there by
/// `source.get_ref()` and `downcast_ref::<Fault>()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The brokers know no such topic.
    #[error("the brokers know no topic `{topic}`: create it first, or name another")]
    UnknownTopic {
        /// Its name.
        topic: String,
    },
    /// A topic, or a partition of it, was there and is gone.
    #[error("`{partition}` was there and is gone: begin with a new checkpoint, or leave the topic out")]
    Gone {
        /// Topic and partition, such as `clicks/0`.
        partition: String,
    },
    /// The records at a position are not there any more: their retention is over, or the topic was made anew.
    #[error(
        "`{partition}` is to be read from offset {position} on, and has {low} to {high} only: the retention is too short or the topic is \
         another; go on at the earliest by `.on_lost_offsets(OnLostOffsets::Earliest)`, or begin with a new checkpoint"
    )]
    LostOffsets {
        /// Topic and partition, such as `clicks/0`.
        partition: String,
        /// Where it was to go on.
        position: i64,
        /// The first offset that there is.
        low: i64,
        /// The end.
        high: i64,
    },
    /// The user lacks a right, or is not who it says.
    #[error(
        "the brokers refuse it ({reason}): give the user the right to it, or another user by `.option(..)`"
    )]
    Forbidden {
        /// The brokers' answer.
        reason: String,
    },
    /// Another producer has the transactional id of this one: the same job runs a second time.
    #[error(
        "another process writes as `{transactional_id}`, so this one may not any more, and nothing of this batch is committed: end one of \
         them if the job runs twice, or give one of two sinks with that name another `.name(..)`"
    )]
    Fenced {
        /// The id that both have.
        transactional_id: String,
    },
    /// A record is longer than the topic takes. Nothing of its batch was committed.
    #[error(
        "topic `{topic}` takes no record of {bytes} bytes: raise its `max.message.bytes`, leave such records out, or give their batch \
         to another sink by `.or_dead_letter(..)`"
    )]
    TooLarge {
        /// The topic.
        topic: String,
        /// The length of key and payload.
        bytes: usize,
    },
    /// A record names a partition that the topic does not have. Nothing of its batch was committed.
    #[error("topic `{topic}` has no partition {partition}: name another in `.format(..)`, or add partitions")]
    NoPartition {
        /// The topic.
        topic: String,
        /// The number that the record has.
        partition: i32,
    },
    /// The brokers do not take a record as it is. Nothing of its batch was committed.
    #[error("the brokers refuse a record: {reason}")]
    Refused {
        /// Their answer.
        reason: String,
    },
    /// An upsert without a key.
    #[error("an upsert needs a key: give each record one in `.format(..)`, such as `(key, value)`")]
    NoKey,
    /// A batch leaves several values of one key.
    #[error(
        "key `{key}` has several values: upserts take the changes of streams with one value a key, such as `reduce_by_key` makes; use \
         `kafka::changes` for others"
    )]
    SeveralValues {
        /// The key, as text.
        key: String,
    },
    /// The topic for the progress of sinks may forget it.
    #[error(
        "topic `{topic}` keeps the progress of sinks and is not compacted, so that it forgets it: set its `cleanup.policy` to `compact`, \
         or name another by `.progress_topic(..)`"
    )]
    NotCompacted {
        /// The topic.
        topic: String,
    },
    /// A record of the progress of a sink is none.
    #[error(
        "topic `{topic}` is to keep the progress of sinks, and has another record for `{key}`: name another by `.progress_topic(..)`"
    )]
    NoProgress {
        /// The topic.
        topic: String,
        /// The key of the record.
        key: String,
    },
    /// Any other answer.
    #[error("{reason}")]
    Other {
        /// librdkafka's words.
        reason: String,
    },
}

impl Fault {
    /// This, while doing `what`.
    pub(super) fn at(self, what: &str) -> ConnectorError {
        let kind = match &self {
            Fault::UnknownTopic { .. } | Fault::Gone { .. } => io::ErrorKind::NotFound,
            Fault::LostOffsets { .. }
            | Fault::TooLarge { .. }
            | Fault::NoPartition { .. }
            | Fault::Refused { .. }
            | Fault::NoKey
            | Fault::SeveralValues { .. }
            | Fault::NotCompacted { .. }
            | Fault::NoProgress { .. } => io::ErrorKind::InvalidData,
            Fault::Forbidden { .. } => io::ErrorKind::PermissionDenied,
            Fault::Fenced { .. } => io::ErrorKind::AlreadyExists,
            Fault::Other { .. } => io::ErrorKind::Other,
        };
        ConnectorError::io(what, io::Error::new(kind, self))
    }
}

/// Whether the brokers could not be asked.
pub(super) fn is_away(code: Code) -> bool {
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::TimedOutQueue
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::WaitingForCoordinator
    )
}

/// Whether a right is missing.
pub(super) fn is_forbidden(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::UnsupportedSASLMechanism
    )
}

/// librdkafka's error while doing `what`.
pub(super) fn failed(what: &str, error: &KafkaError) -> ConnectorError {
    let reason = match error {
        KafkaError::Transaction(error) => error.string(),
        error => error.to_string(),
    };
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    };
    match code {
        Some(code) if is_away(code) => {
            ConnectorError::io(what, io::Error::new(io::ErrorKind::TimedOut, Fault::Other { reason }))
        }
        Some(code) if is_forbidden(code) => Fault::Forbidden { reason }.at(what),
        _ => Fault::Other { reason }.at(what),
    }
}

/// An error that came after so many attempts says that the brokers are away.
pub(super) fn unreachable(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::GaveUp { attempts, source } => match *source {
            ConnectorError::Io { what, source } => ConnectorError::Unreachable { what, attempts, source },
            other => ConnectorError::GaveUp { attempts, source: Box::new(other) },
        },
        error => error,
    }
}

/// A task of tokio's that was to block has panicked or was given up.
pub(super) fn joined<T>(
    done: Result<Result<T, ConnectorError>, tokio::task::JoinError>,
) -> Result<T, ConnectorError> {
    done.unwrap_or_else(|error| {
        Err(ConnectorError::Io { what: "work on Kafka".into(), source: Arc::new(error.into()) })
    })
}
