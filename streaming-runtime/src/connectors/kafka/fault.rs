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
        "another process writes as `{transactional_id}`, so this one may not any more: the job runs a second time, or another has the \
         same name; give one of the sinks a `.name(..)`"
    )]
    Fenced {
        /// The id that both have.
        transactional_id: String,
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
            Fault::LostOffsets { .. } => io::ErrorKind::InvalidData,
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
    match error.rdkafka_error_code() {
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
