//! Confluent's wire format: which schema a payload was written by.

use crate::formats::contract::FormatError;

/// What a payload begins with.
const MAGIC: u8 = 0;

/// The id of the schema, and what was written by it: a 0, the id in four bytes with the highest first, the rest.
/// See "Wire format" in the documentation of Confluent's Schema Registry.
pub(super) fn part(bytes: &[u8]) -> Result<(u32, &[u8]), FormatError> {
    match bytes {
        [MAGIC, a, b, c, d, rest @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), rest)),
        [first, ..] if *first != MAGIC => Err(FormatError::unfit(format!(
            "not in the wire format of a schema registry: it begins with {first:#04x} and not with 0"
        ))),
        _ => Err(FormatError::unfit("not in the wire format of a schema registry: it is too short")),
    }
}

/// Begins a payload.
pub(super) fn begin(id: u32, bytes: &mut Vec<u8>) {
    bytes.push(MAGIC);
    bytes.extend_from_slice(&id.to_be_bytes());
}
