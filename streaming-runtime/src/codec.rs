//! State as bytes: [postcard](https://postcard.jamesmunns.com/wire-format), whose format is specified and stable.
//!
//! It does not say what it is, so a reader must know the type: `checkpoint::lock` sees to that.

use postcard::ser_flavors::Flavor;
use serde::{Serialize, de::DeserializeOwned};

/// Adds `value` to `bytes`.
///
/// # Panics
/// If serde cannot write it like that: a sequence or map of unknown length, `#[serde(flatten)]`.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    postcard::serialize_with_flavor(value, Growing(bytes)).unwrap_or_else(|error| {
        let name = std::any::type_name::<T>();
        panic!("`{name}` cannot be kept in a checkpoint: {error}; it needs serde's derives, without `flatten` and `untagged`")
    });
}

/// Reads a value from all of `bytes`.
///
/// # Panics
/// If there is no such value. The bytes are those that were written, their checksum says; so the type is another than
/// the one that was written, or its `Deserialize` does not read what its `Serialize` writes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => value,
        other => {
            let name = std::any::type_name::<T>();
            let why = other.err().map_or("bytes are left".to_owned(), |error| error.to_string());
            panic!("what the checkpoint has of a `{name}` cannot be read: {why}")
        }
    }
}

struct Growing<'a>(&'a mut Vec<u8>);

impl Flavor for Growing<'_> {
    type Output = ();
    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }
    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
