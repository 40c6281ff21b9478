//! Texts and bytes as they are.

use crate::formats::contract::{Decode, Encode, FormatError};

/// Texts in UTF-8: what [`text`] makes.
#[derive(Clone, Copy, Debug)]
pub struct Text;

/// A text in UTF-8, as a `String`, with its line's end if it has one. Bytes that are no UTF-8 are rejected.
///
/// ```
/// use streaming_runtime::formats::{Decode, text};
///
/// assert_eq!(text().decode("käse".as_bytes())?, "käse");
/// assert_eq!(text().decode(b"k\xe4se").unwrap_err().to_string(), "no UTF-8 from byte 1 on");
/// # Ok::<(), streaming_runtime::formats::FormatError>(())
/// ```
pub fn text() -> Text {
    Text
}

impl Decode for Text {
    type Record = String;

    fn decode(&mut self, bytes: &[u8]) -> Result<String, FormatError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(FormatError::unfit(format!("no UTF-8 from byte {} on", error.valid_up_to()))),
        }
    }
}

impl Encode<String> for Text {
    fn encode(&mut self, record: &String, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
        bytes.extend_from_slice(record.as_bytes());
        Ok(())
    }
}

/// Bytes as they are: what [`raw`] makes.
#[derive(Clone, Copy, Debug)]
pub struct Raw;

/// The bytes of a payload, as they are. Only a payload without bytes is rejected, as a tombstone of Kafka is.
pub fn raw() -> Raw {
    Raw
}

impl Decode for Raw {
    type Record = Vec<u8>;

    fn decode(&mut self, bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
        Ok(bytes.to_vec())
    }
}

impl Encode<Vec<u8>> for Raw {
    fn encode(&mut self, record: &Vec<u8>, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
        bytes.extend_from_slice(record);
        Ok(())
    }
}
