//! What Kinesis refuses, and the client's errors as those of connectors.

use std::{error::Error, io};

use aws_sdk_kinesis::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};

use crate::connect::ConnectorError;

/// Why a stream cannot be read or written. It is inside a [`ConnectorError::Io`], and found there by
/// `source.get_ref()` and `downcast_ref::<Fault>()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such stream in this region, for this account.
    #[error(
        "there is no stream `{stream}`, or not in this region and account: create it first, or name another"
    )]
    UnknownStream {
        /// Its name.
        stream: String,
    },
    /// The record at a position is not there any more: its retention is over, or the stream was made anew.
    #[error(
        "shard `{shard}` is to be read from sequence number {position} on, and that record is gone: the retention is too short or the \
         stream is another; go on at the earliest by `.on_lost_records(OnLostRecords::Earliest)`, or begin with a new checkpoint"
    )]
    LostRecords {
        /// The shard.
        shard: String,
        /// Where it was to go on.
        position: String,
    },
    /// Nothing says who this is.
    #[error(
        "there are no credentials ({reason}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or give the machine a role"
    )]
    NoCredentials {
        /// What was looked at.
        reason: String,
    },
    /// The user lacks a right, or is not who it says.
    #[error("Kinesis refuses it ({reason}): give the user the right to it, or take other credentials")]
    Forbidden {
        /// The answer.
        reason: String,
    },
    /// An iterator is too old: it is made again.
    #[error("the iterator has expired")]
    Expired,
    /// There are more requests or records than a shard takes.
    #[error("Kinesis throttles ({reason}): more shards, or fewer readers of the stream")]
    Throttled {
        /// The answer.
        reason: String,
    },
    /// A record that Kinesis does not take.
    #[error(
        "a record has {bytes} bytes with its partition key, and Kinesis takes {limit} at most: cut it, or leave it out before the sink"
    )]
    TooLarge {
        /// Data and key.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// A partition key that Kinesis does not take.
    #[error("a partition key has {characters} characters, and Kinesis takes 1 to 256")]
    BadKey {
        /// How long it is.
        characters: usize,
    },
    /// Any other answer.
    #[error("{reason}")]
    Other {
        /// Kinesis's words, or the client's.
        reason: String,
    },
}

impl Fault {
    /// This, while doing `what`.
    pub(super) fn at(self, what: &str) -> ConnectorError {
        let kind = match &self {
            Fault::UnknownStream { .. } => io::ErrorKind::NotFound,
            Fault::LostRecords { .. } => io::ErrorKind::InvalidData,
            Fault::NoCredentials { .. } | Fault::Forbidden { .. } => io::ErrorKind::PermissionDenied,
            Fault::TooLarge { .. } | Fault::BadKey { .. } => io::ErrorKind::InvalidInput,
            Fault::Throttled { .. } | Fault::Expired => io::ErrorKind::WouldBlock,
            Fault::Other { .. } => io::ErrorKind::Other,
        };
        ConnectorError::io(what, io::Error::new(kind, self))
    }
}

/// The fault in an error, if one is.
pub(super) fn fault_of(error: &ConnectorError) -> Option<&Fault> {
    let ConnectorError::Io { source, .. } = error else { return None };
    source.get_ref()?.downcast_ref()
}

/// Whether an answer says that there is too much.
pub(super) fn is_throttling(code: &str) -> bool {
    code.contains("Throttl")
        || matches!(code, "ProvisionedThroughputExceededException" | "LimitExceededException")
}

/// The client's error while doing `what` with a stream.
pub(super) fn failed<E>(what: &str, stream: &str, error: &SdkError<E, HttpResponse>) -> ConnectorError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default();
    let said = error.message().unwrap_or_default();
    let reason =
        if code.is_empty() { DisplayErrorContext(error).to_string() } else { format!("{code}: {said}") };
    match (error, code) {
        (_, "ExpiredIteratorException") => Fault::Expired.at(what),
        (_, "ResourceNotFoundException") => Fault::UnknownStream { stream: stream.to_owned() }.at(what),
        (_, code) if is_throttling(code) => Fault::Throttled { reason }.at(what),
        (
            _,
            "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationTokenException"
            | "ExpiredTokenException"
            | "KMSAccessDeniedException"
            | "OptInRequired"
            | "InvalidClientTokenId",
        ) => Fault::Forbidden { reason }.at(what),
        (SdkError::ServiceError(answer), _) if answer.raw().status().is_client_error() => {
            ConnectorError::io(what, io::Error::new(io::ErrorKind::InvalidInput, Fault::Other { reason }))
        }
        (SdkError::ConstructionFailure(_), _) => {
            ConnectorError::io(what, io::Error::new(io::ErrorKind::InvalidInput, Fault::Other { reason }))
        }
        // It is away, does not answer in time, or has a trouble of its own.
        _ => Fault::Other { reason }.at(what),
    }
}
