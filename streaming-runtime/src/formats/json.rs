//! JSON.

use std::{fmt, marker::PhantomData};

use serde::Serialize;

use crate::{
    formats::contract::{Decode, Encode, FormatError},
    record::Record,
};

/// A JSON value a payload: what [`json`] makes.
pub struct Json<T>(PhantomData<fn() -> T>);

/// A JSON value a payload, as a `T` by serde. White space around it is fine, also a line's end; a second value is not. Values nest up to
/// 128 deep. Written without white space and without a line's end.
///
/// ```
/// use streaming_runtime::formats::{Decode, Encode, json};
///
/// let mut pairs = json::<(u64, String)>();
/// assert_eq!(pairs.decode(b" [7, \"a\"]\n")?, (7, "a".to_owned()));
/// let mut bytes = Vec::new();
/// pairs.encode(&(7, "a".to_owned()), &mut bytes)?;
/// assert_eq!(bytes, br#"[7,"a"]"#);
/// # Ok::<(), streaming_runtime::formats::FormatError>(())
/// ```
pub fn json<T>() -> Json<T> {
    Json(PhantomData)
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        json()
    }
}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json()")
    }
}

impl<T: Record> Decode for Json<T> {
    type Record = T;

    fn decode(&mut self, bytes: &[u8]) -> Result<T, FormatError> {
        serde_json::from_slice(bytes).map_err(|error| {
            FormatError::unfit(match error.classify() {
                serde_json::error::Category::Data => format!("no JSON of this type: {error}"),
                _ => format!("no JSON: {error}"),
            })
        })
    }
}

impl<T: Serialize + 'static> Encode<T> for Json<T> {
    fn encode(&mut self, record: &T, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
        serde_json::to_writer(bytes, record)
            .map_err(|error| FormatError::unfit(format!("it cannot be JSON: {error}")))
    }
}
