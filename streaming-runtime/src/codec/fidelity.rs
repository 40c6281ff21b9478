//! Whether a value is read back as it was written, and if not, which of serde's attributes is the reason.

use serde::{Serialize, de::DeserializeOwned};

use crate::codec::{
    decode,
    serializer::{ByteWriter, Written},
};

/// What the `Deserialize` of a type and of those in it asks for, by serde's names.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) structs: Vec<(&'static str, &'static [&'static str])>,
    pub(crate) tuples: Vec<(&'static str, usize)>,
    pub(crate) enums: Vec<(&'static str, &'static [&'static str])>,
    /// Whether it asks what is in the input, which only formats know that describe themselves.
    pub(crate) asks: bool,
}

/// What is wrong with a type that asks what is in the input.
const ASKS: &str = "it is read by what is in the input, as `untagged`, `tag` and `flatten` and types such as \
                    `serde_json::Value` are, and a checkpoint has values only";

impl Declared {
    /// What is known to be wrong without any value.
    pub(crate) fn fault(&self) -> Option<String> {
        self.asks.then(|| ASKS.to_owned())
    }

    /// Why `written` is not read back, by the names of its parts.
    fn explains(&self, written: &Written) -> Option<String> {
        let variant = written.variants.iter().find_map(|(name, number, variant)| {
            let (_, variants) = self.enums.iter().find(|(known, _)| known == name)?;
            let reads = variants.get(*number as usize);
            let instead = reads.map_or_else(String::new, |reads| format!(" as `{name}::{reads}`"));
            (reads != Some(variant)).then(|| {
                format!("`{name}::{variant}` is read back{instead}: variants before it are left out (`skip`)")
            })
        });
        let field = || {
            written.structs.iter().find_map(|(name, fields)| {
                let (_, reads) = self.structs.iter().find(|(known, _)| known == name)?;
                let missing = reads.iter().find(|field| !fields.contains(field));
                let surplus = fields.iter().find(|field| !reads.contains(field));
                let missing = missing.map(|field| {
                    format!("field `{field}` of `{name}` is read and not written (`skip_serializing`)")
                });
                missing.or_else(|| {
                    let field = surplus?;
                    Some(format!(
                        "field `{field}` of `{name}` is written and not read (`skip_deserializing`)"
                    ))
                })
            })
        };
        let part = || {
            written.tuples.iter().find_map(|(name, length)| {
                let (_, reads) = self.tuples.iter().find(|(known, _)| known == name)?;
                (reads != length).then(|| format!("`{name}` writes {length} of its {reads} parts (`skip_serializing_if` or `skip_serializing`)"))
            })
        };
        variant.or_else(field).or_else(part).or_else(|| self.fault())
    }
}

/// Reads `value` back as a `T` from what was written of it, and compares.
///
/// # Errors
/// It is not the same, and why, as far as what is `declared` tells that.
pub(crate) fn read_back<W: Serialize + ?Sized, T: Serialize + DeserializeOwned>(
    value: &W,
    written: &[u8],
    declared: &dyn Fn() -> Declared,
) -> Result<(), String> {
    let before = in_order(value)?;
    let after = decode::<T>(written).map(|read| in_order(&read));
    is_same(&before, after, declared)
}

/// The bytes of a value in order, and what it is made of; or why it cannot be written.
type InOrder = Result<(Vec<u8>, Written), String>;

/// Whether a value is `after` it was read back what it was `before`.
fn is_same(
    (before, parts): &(Vec<u8>, Written),
    after: Result<InOrder, String>,
    declared: &dyn Fn() -> Declared,
) -> Result<(), String> {
    let why = |else_: String| match declared().explains(parts) {
        Some(why) => why,
        None => format!(
            "{else_} (`with`, `serialize_with`, `from`, `try_from` and impls of one's own must be inverse)"
        ),
    };
    match after {
        Err(error) => Err(why(format!("it cannot be read back: {error}"))),
        Ok(Ok((after, _))) if after == *before => Ok(()),
        Ok(Ok(_)) => Err(why("it is read back as another value".to_owned())),
        Ok(Err(error)) => Err(why(format!("it is read back as a value that cannot be written: {error}"))),
    }
}

/// The bytes of a value, the same for values that are equal, and what it is made of.
fn in_order<T: Serialize + ?Sized>(value: &T) -> InOrder {
    let (mut bytes, mut written) = (Vec::new(), Written::default());
    value.serialize(&mut ByteWriter::in_order(&mut bytes, &mut written)).map_err(|refused| refused.0)?;
    Ok((bytes, written))
}

/// A number for a set of values, the same in each process and in whatever order they come.
pub(crate) fn fingerprint<'a, T: Serialize + 'a>(values: impl IntoIterator<Item = &'a T>) -> u64 {
    values.into_iter().fold(0, |sum: u64, value| {
        // One that cannot be written is refused for its type.
        let bytes = in_order(value).map(|(bytes, _)| bytes).unwrap_or_default();
        let one = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // So that a value that is there twice, or one more that is little else, shows in all bits.
        sum.wrapping_add((one ^ one >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9))
    })
}
