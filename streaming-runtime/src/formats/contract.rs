//! What a format is, and what it works on.

use crate::{contract::error::ConnectorError, ids::OpId};

/// Something with bytes to decode: bytes, a text, a record of a connector such as `kafka::Message`.
///
/// ```
/// use std::borrow::Cow;
/// use streaming_runtime::formats::Payload;
///
/// /// What a sensor sent.
/// struct Datagram { from: std::net::SocketAddr, bytes: Vec<u8> }
///
/// impl Payload for Datagram {
///     fn bytes(&self) -> Option<&[u8]> {
///         Some(&self.bytes)
///     }
///     fn position(&self) -> Option<String> {
///         Some(self.from.to_string())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "records of type `{Self}` have no bytes to decode",
    label = "this reads the bytes of each record, and `{Self}` has none",
    note = "decode what a connector gives: `Vec<u8>`, `String`, or its own record such as `kafka::Message`; of another type decode the part that is bytes, `.map(|record| record.body)`, or implement `streaming_runtime::formats::Payload` for it"
)]
pub trait Payload {
    /// The bytes. `None` where there are none, not even an empty payload, as in a tombstone of Kafka: that is rejected.
    fn bytes(&self) -> Option<&[u8]>;

    /// Where it came from, for people: `orders/3 at 1041`. `None` if it does not know.
    fn position(&self) -> Option<String> {
        None
    }
}

impl Payload for Vec<u8> {
    fn bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl Payload for Box<[u8]> {
    fn bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl Payload for String {
    fn bytes(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

impl<P: Payload> Payload for Option<P> {
    fn bytes(&self) -> Option<&[u8]> {
        self.as_ref()?.bytes()
    }
    fn position(&self) -> Option<String> {
        self.as_ref()?.position()
    }
}

/// Why a format made no record of bytes, or no bytes of a record.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It does not fit the format: `decode` rejects it, `encode` ends the job.
    #[error("{0}")]
    Unfit(String),
    /// The format cannot work at all, such as without the schema that it has asked for: the job ends with
    /// [`JobError::Format`](crate::JobError::Format), and no payload is blamed.
    #[error(transparent)]
    Failed(#[from] ConnectorError),
}

impl FormatError {
    /// It does not fit the format, for this reason.
    pub fn unfit(reason: impl ToString) -> Self {
        FormatError::Unfit(reason.to_string())
    }
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            FormatError::Unfit(_) => "format.unfit",
            FormatError::Failed(error) => error.code(),
        }
    }
}

/// A format that bytes are read by, see [`formats`](crate::formats).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no format that bytes can be read by",
    label = "the argument says how bytes become records, and this does not",
    note = "take one of `streaming_runtime::formats`: `json::<T>()`, `csv::<T>()`, `text()`, `raw()`; a function of your own goes into `.try_map(|record| ..)`"
)]
pub trait Decode: Send + 'static {
    /// What it makes of bytes.
    type Record;

    /// Makes a record of all of `bytes`. It must not panic, whatever the bytes are, nor take memory that is not in proportion to them.
    ///
    /// # Errors
    /// [`FormatError::Unfit`] if the bytes are none of its records; [`FormatError::Failed`] if it cannot work.
    fn decode(&mut self, bytes: &[u8]) -> Result<Self::Record, FormatError>;
}

/// A format that records of type `T` are written in, see [`formats`](crate::formats).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no format that a `{T}` can be written in",
    label = "the argument says how records become bytes, and this does not do so for `{T}`",
    note = "`json()` and `csv()` write types with `#[derive(serde::Serialize)]`, `text()` writes texts, `raw()` writes bytes; a function of your own goes into `.map(|record| ..)`"
)]
pub trait Encode<T>: Send + 'static {
    /// Appends `record` to `bytes`.
    ///
    /// # Errors
    /// [`FormatError::Unfit`] if it is none that the format can write; [`FormatError::Failed`] if it cannot work.
    fn encode(&mut self, record: &T, bytes: &mut Vec<u8>) -> Result<(), FormatError>;
}

/// What unwinds when a format cannot work.
pub(crate) struct FormatFailed {
    pub(crate) operator: OpId,
    pub(crate) source: ConnectorError,
}
