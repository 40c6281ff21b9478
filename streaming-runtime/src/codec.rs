//! State as bytes: [postcard](https://postcard.jamesmunns.com/wire-format), whose format is specified and stable.
//!
//! It does not say what it is, so a reader must know the type: `checkpoint::lock` sees to that. And it reads what was
//! written only where a type's `Serialize` writes all that its `Deserialize` asks for, which serde's attributes can
//! change. So nothing is written that would not be read back:
//!
//! | when | what is seen |
//! |---|---|
//! | at the start, [`schema`](crate::schema) | values that are made up of the type, one of each variant: [`read_back`] |
//! | at each write | a field that is left out; an error of `Serialize` |
//! | at a write in a form that is new ([`Forms`]), and at the 1st, 2nd, 4th .. | the value: [`read_back`] |

mod fidelity;
mod forms;
mod serializer;

use serde::{Serialize, de::DeserializeOwned};

pub(crate) use fidelity::{Declared, fingerprint, read_back};
pub(crate) use forms::Forms;
use serializer::ByteWriter;

/// Adds `value` to `bytes`.
///
/// # Errors
/// What serde cannot write like that, in words: a sequence or map of unknown length, a field that is left out.
pub(crate) fn encode<T: Serialize + ?Sized>(
    value: &T,
    bytes: &mut Vec<u8>,
    forms: &mut Forms,
) -> Result<(), String> {
    value.serialize(&mut ByteWriter::noting(bytes, forms)).map_err(|refused| refused.0)
}

/// Reads a value from all of `bytes`.
///
/// # Errors
/// There is no such value, in words. The bytes are those that were written, their checksum says; so the type is another
/// than the one that was written, or its `Deserialize` does not read what its `Serialize` writes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err("bytes are left".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
