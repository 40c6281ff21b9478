//! What can go wrong in a connector.

use std::{io, sync::Arc, time::Duration};

use crate::{disk::has_vanished, sentence::debug_as_sentence};

/// Why a connector could not go on.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path or address.
        what: String,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// A peer stayed away for longer than the connector's retries allow.
    #[error("{what}: gave up after {attempts} attempts, the last failed with: {source}")]
    Unreachable {
        /// What was being connected to.
        what: String,
        /// How often it was tried in a row.
        attempts: u32,
        /// How the last attempt failed.
        source: Arc<io::Error>,
    },
    /// Something was tried as often as its [`Retry`](crate::connect::Retry) allows.
    #[error("gave up after {attempts} attempts, the last failed with: {source}")]
    GaveUp {
        /// How often it was tried in a row.
        attempts: u32,
        /// How the last attempt failed.
        source: Box<ConnectorError>,
    },
    /// A sink did not take a batch within its [`timeout`](crate::connect::SinkPolicies::timeout).
    #[error("not done within {limit:?}")]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// A line is longer than the connector's bound and its policy is to fail.
    #[error(
        "{what}: the line at byte {at} has {length} bytes or more, and at most {limit} are taken: raise `.max_line(..)`, or leave \
         such lines out with `.on_long_line(OnLongLine::Skip)`"
    )]
    LineTooLong {
        /// Where the line came from.
        what: String,
        /// The bound in bytes, without the line's end.
        limit: usize,
        /// Where the line begins, in bytes from the beginning of the file or the connection.
        at: u64,
        /// How much of it was read.
        length: usize,
    },
    /// Bytes that are not UTF-8, and the connector's policy is to fail.
    #[error("{what}: a line is not valid UTF-8")]
    InvalidUtf8 {
        /// Where the line came from.
        what: String,
    },
    /// A file that is not UTF-8 text, by its first bytes: it is compressed, or in another encoding.
    #[error(
        "`{what}` is no text in UTF-8 but {kind}: unpack or convert it first, or leave such files out with a filter"
    )]
    NotText {
        /// The file.
        what: String,
        /// What it is.
        kind: &'static str,
    },
    /// A file changed while it was read. Records that were sent before stay sent.
    #[error(
        "`{what}` was changed while it was read: {how}; write files elsewhere, and rename them into place when they are whole"
    )]
    ChangedWhileRead {
        /// The file.
        what: String,
        /// What is different.
        how: String,
    },
    /// A sink's target was removed, moved or replaced while the job ran. If it was moved, what was written is at the new place.
    #[error(
        "`{what}`: {how}; batches that were written to it are gone with it, unless it was only moved: bring it back and start the \
         job again"
    )]
    Vanished {
        /// The file or directory.
        what: String,
        /// What is in its place.
        how: String,
    },
    /// A bound of the connector was exceeded.
    #[error("{what}: more than {limit}")]
    LimitExceeded {
        /// What there is too much of.
        what: String,
        /// The bound.
        limit: usize,
    },
    /// A view takes one value per key, and the stream has several.
    #[error("{what}; a view takes streams with one value a key, such as `reduce_by_key` makes")]
    NotUnique {
        /// Which batch, and what it does to a key.
        what: String,
    },
    /// The input that a source must read again after a crash has changed. Put the old input back, or start with a new checkpoint.
    #[error("`{what}` is to be read again after a crash, and is not what it was: {how}")]
    Changed {
        /// The file.
        what: String,
        /// What is different.
        how: String,
    },
    /// A setting that cannot work.
    #[error("{0}")]
    Config(String),
    /// The other end of a channel is gone.
    #[error("the other end is closed")]
    Closed,
    /// Any other error of a connector, which another attempt may not meet.
    #[error(transparent)]
    Other(Arc<dyn std::error::Error + Send + Sync>),
    /// Any other error of a connector that each attempt would meet: a right that is missing, a name that nobody knows.
    #[error(transparent)]
    Permanent(Arc<dyn std::error::Error + Send + Sync>),
}

debug_as_sentence!(ConnectorError);

impl ConnectorError {
    /// Wraps any error of your own connector. It [may pass](ConnectorError::may_pass): policies try again.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        ConnectorError::Other(Arc::from(error.into()))
    }
    /// Wraps an error of your own connector that no further attempt can mend: policies do not try again.
    ///
    /// ```
    /// use streaming_runtime::connect::ConnectorError;
    ///
    /// let refused = ConnectorError::permanent("user `reports` may not write to topic `orders`");
    /// assert!(!refused.may_pass() && ConnectorError::other("timed out").may_pass());
    /// ```
    pub fn permanent(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        ConnectorError::Permanent(Arc::from(error.into()))
    }
    /// An I/O error with what was being done, for instance ``open `a.txt` ``.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        ConnectorError::Io { what: what.into(), source: Arc::new(source) }
    }
    /// That a name means something else than it did, if this says so.
    pub(crate) fn vanished_or_io(path: &std::path::Path, error: io::Error) -> Self {
        let what = path.display().to_string();
        match has_vanished(&error) {
            true => ConnectorError::Vanished { what, how: error.to_string() },
            false => ConnectorError::io(format!("look at `{what}`"), error),
        }
    }
    /// Whether another attempt may help. Yes for temporary refusals of the operating system, peers that are away, time-outs, and
    /// errors of your own connectors that are not [permanent](ConnectorError::permanent). No for bad settings, bad input, exceeded bounds, closed channels, what is missing or forbidden,
    /// and what was already retried.
    pub fn may_pass(&self) -> bool {
        use io::ErrorKind::{
            AlreadyExists, InvalidData, InvalidInput, IsADirectory, NotADirectory, NotFound,
            PermissionDenied, ReadOnlyFilesystem, Unsupported,
        };
        match self {
            ConnectorError::Io { source, .. } => !matches!(
                source.kind(),
                AlreadyExists
                    | InvalidData
                    | InvalidInput
                    | IsADirectory
                    | NotADirectory
                    | NotFound
                    | PermissionDenied
                    | ReadOnlyFilesystem
                    | Unsupported
            ),
            ConnectorError::Unreachable { .. }
            | ConnectorError::TimedOut { .. }
            | ConnectorError::Other(_) => true,
            ConnectorError::GaveUp { .. }
            | ConnectorError::LineTooLong { .. }
            | ConnectorError::InvalidUtf8 { .. }
            | ConnectorError::NotText { .. }
            | ConnectorError::ChangedWhileRead { .. }
            | ConnectorError::Vanished { .. }
            | ConnectorError::LimitExceeded { .. }
            | ConnectorError::NotUnique { .. }
            | ConnectorError::Changed { .. }
            | ConnectorError::Config(_)
            | ConnectorError::Permanent(_)
            | ConnectorError::Closed => false,
        }
    }
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            ConnectorError::Io { .. } => "connector.io",
            ConnectorError::Unreachable { .. } => "connector.unreachable",
            ConnectorError::GaveUp { .. } => "connector.gave_up",
            ConnectorError::TimedOut { .. } => "connector.timed_out",
            ConnectorError::LineTooLong { .. } => "connector.line_too_long",
            ConnectorError::InvalidUtf8 { .. } => "connector.invalid_utf8",
            ConnectorError::NotText { .. } => "connector.not_text",
            ConnectorError::ChangedWhileRead { .. } => "connector.changed_while_read",
            ConnectorError::Vanished { .. } => "connector.vanished",
            ConnectorError::LimitExceeded { .. } => "connector.limit",
            ConnectorError::NotUnique { .. } => "connector.not_unique",
            ConnectorError::Changed { .. } => "connector.changed",
            ConnectorError::Config(_) => "connector.config",
            ConnectorError::Closed => "connector.closed",
            ConnectorError::Other(_) => "connector.other",
            ConnectorError::Permanent(_) => "connector.permanent",
        }
    }
}

/// The job takes no more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the job takes no more records")]
pub struct Closed;

impl From<Closed> for ConnectorError {
    fn from(_: Closed) -> Self {
        ConnectorError::Closed
    }
}
