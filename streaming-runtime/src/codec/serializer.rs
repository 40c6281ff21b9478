//! Postcard's serializer, and checks of a value while it is written.

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::{
    Serialize,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant, {self},
    },
};

use crate::codec::forms::Forms;

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) struct SerializeRefused(pub(super) String);

impl fmt::Display for SerializeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SerializeRefused {}

impl ser::Error for SerializeRefused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        SerializeRefused(message.to_string())
    }
}

impl From<postcard::Error> for SerializeRefused {
    fn from(error: postcard::Error) -> Self {
        SerializeRefused(match error {
            postcard::Error::SerializeSeqLengthUnknown => {
                "it writes a map or sequence whose length it does not know, as `flatten` does".to_owned()
            }
            other => other.to_string(),
        })
    }
}

/// What a value was made of.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Structs and their fields; of tuple structs these are numbered.
    pub(super) structs: Vec<(&'static str, Vec<&'static str>)>,
    pub(super) tuples: Vec<(&'static str, usize)>,
    /// Enums, with number and name of a variant.
    pub(super) variants: Vec<(&'static str, u32, &'static str)>,
}

/// What is observed of a value.
enum SeenValue<'a> {
    Forms(&'a mut Forms),
    /// All, and the parts of sets and maps are put in order: two that are equal may be gone through in any.
    All(&'a mut Written),
}

/// Writes one value.
pub(super) struct ByteWriter<'a> {
    inner: postcard::Serializer<Growing<'a>>,
    seen: SeenValue<'a>,
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

impl<'a> ByteWriter<'a> {
    pub(super) fn noting(bytes: &'a mut Vec<u8>, forms: &'a mut Forms) -> Self {
        ByteWriter { inner: postcard::Serializer { output: Growing(bytes) }, seen: SeenValue::Forms(forms) }
    }

    pub(super) fn in_order(bytes: &'a mut Vec<u8>, written: &'a mut Written) -> Self {
        ByteWriter { inner: postcard::Serializer { output: Growing(bytes) }, seen: SeenValue::All(written) }
    }

    #[inline]
    fn variant(
        &mut self,
        name: &'static str,
        number: u32,
        variant: &'static str,
    ) -> Result<(), SerializeRefused> {
        match &mut self.seen {
            SeenValue::Forms(forms) => forms.note(name, number),
            SeenValue::All(written) => written.variants.push((name, number, variant)),
        }
        Ok(ser::Serializer::serialize_u32(&mut self.inner, number)?)
    }

    /// A struct of so many fields. A variant that is one is known by its number.
    #[inline]
    fn fields(&mut self, name: &'static str, len: usize) -> usize {
        match &mut self.seen {
            // Apart from the variants of an enum of that name.
            SeenValue::Forms(forms) => {
                forms.note(name, u32::MAX - len as u32);
                0
            }
            SeenValue::All(written) => {
                written.structs.push((name, Vec::new()));
                written.structs.len() - 1
            }
        }
    }

    fn is_in_order(&self) -> bool {
        matches!(self.seen, SeenValue::All(_))
    }

    fn parts(&mut self) -> SerializedParts<'_, 'a> {
        let starts = self.is_in_order().then(Vec::new);
        SerializedParts { writer: self, starts }
    }
}

/// A sequence or a map that is being written.
pub(super) struct SerializedParts<'w, 'a> {
    writer: &'w mut ByteWriter<'a>,
    /// Where each part began, if they are put in order.
    starts: Option<Vec<usize>>,
}

impl SerializedParts<'_, '_> {
    #[inline]
    fn begin(&mut self) {
        if let Some(starts) = &mut self.starts {
            starts.push(self.writer.inner.output.0.len());
        }
    }

    fn end(self) {
        let Some(starts) = self.starts else { return };
        let bytes = &mut *self.writer.inner.output.0;
        let Some(&first) = starts.first() else { return };
        let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
        let mut parts: Vec<Vec<u8>> =
            starts.iter().zip(ends).map(|(start, end)| bytes[*start..end].to_vec()).collect();
        parts.sort();
        bytes.truncate(first);
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
    }
}

/// A struct that is being written.
pub(super) struct Fields<'w, 'a> {
    writer: &'w mut ByteWriter<'a>,
    name: &'static str,
    /// Its place among those that were written.
    place: usize,
}

impl Fields<'_, '_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), SerializeRefused> {
        if let SeenValue::All(written) = &mut self.writer.seen {
            written.structs[self.place].1.push(key);
        }
        value.serialize(&mut *self.writer)
    }

    #[cold]
    fn skipped(&self, key: &'static str) -> SerializeRefused {
        SerializeRefused(format!(
            "`{}` leaves its field `{key}` out of some values (`skip_serializing_if`), and it is missed when they are read",
            self.name
        ))
    }
}

macro_rules! leaves {
    ($($method:ident($type:ty))*) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<(), SerializeRefused> {
            Ok(ser::Serializer::$method(&mut self.inner, value)?)
        })*
    };
}

impl<'w, 'a> ser::Serializer for &'w mut ByteWriter<'a> {
    type Ok = ();
    type Error = SerializeRefused;
    type SerializeSeq = SerializedParts<'w, 'a>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = SerializedParts<'w, 'a>;
    type SerializeStruct = Fields<'w, 'a>;
    type SerializeStructVariant = Fields<'w, 'a>;

    leaves! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
    }

    #[inline]
    fn serialize_none(self) -> Result<(), SerializeRefused> {
        Ok(ser::Serializer::serialize_none(&mut self.inner)?)
    }
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), SerializeRefused> {
        ser::Serializer::serialize_u8(&mut self.inner, 1)?;
        value.serialize(self)
    }
    #[inline]
    fn serialize_unit(self) -> Result<(), SerializeRefused> {
        Ok(())
    }
    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), SerializeRefused> {
        Ok(())
    }
    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
    ) -> Result<(), SerializeRefused> {
        self.variant(name, number, variant)
    }
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), SerializeRefused> {
        value.serialize(self)
    }
    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), SerializeRefused> {
        self.variant(name, number, variant)?;
        value.serialize(self)
    }
    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<SerializedParts<'w, 'a>, SerializeRefused> {
        ser::Serializer::serialize_seq(&mut self.inner, len)?;
        Ok(self.parts())
    }
    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Self, SerializeRefused> {
        Ok(self)
    }
    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self, SerializeRefused> {
        match &mut self.seen {
            SeenValue::Forms(forms) => forms.note(name, u32::MAX - len as u32),
            SeenValue::All(written) => written.tuples.push((name, len)),
        }
        Ok(self)
    }
    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self, SerializeRefused> {
        self.variant(name, number, variant)?;
        Ok(self)
    }
    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<SerializedParts<'w, 'a>, SerializeRefused> {
        ser::Serializer::serialize_map(&mut self.inner, len)?;
        Ok(self.parts())
    }
    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'w, 'a>, SerializeRefused> {
        let place = self.fields(name, len);
        Ok(Fields { writer: self, name, place })
    }
    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'w, 'a>, SerializeRefused> {
        self.variant(name, number, variant)?;
        let place = self.fields(variant, len);
        Ok(Fields { writer: self, name: variant, place })
    }
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl SerializeSeq for SerializedParts<'_, '_> {
    type Ok = ();
    type Error = SerializeRefused;
    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeRefused> {
        self.begin();
        value.serialize(&mut *self.writer)
    }
    #[inline]
    fn end(self) -> Result<(), SerializeRefused> {
        SerializedParts::end(self);
        Ok(())
    }
}

impl SerializeMap for SerializedParts<'_, '_> {
    type Ok = ();
    type Error = SerializeRefused;
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), SerializeRefused> {
        self.begin();
        key.serialize(&mut *self.writer)
    }
    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeRefused> {
        value.serialize(&mut *self.writer)
    }
    #[inline]
    fn end(self) -> Result<(), SerializeRefused> {
        SerializedParts::end(self);
        Ok(())
    }
}

macro_rules! tuples {
    ($($trait:ident $method:ident)*) => {
        $(impl $trait for &mut ByteWriter<'_> {
            type Ok = ();
            type Error = SerializeRefused;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeRefused> {
                value.serialize(&mut **self)
            }
            #[inline]
            fn end(self) -> Result<(), SerializeRefused> {
                Ok(())
            }
        })*
    };
}

tuples! { SerializeTuple serialize_element SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field }

macro_rules! structs {
    ($($trait:ident)*) => {
        $(impl $trait for Fields<'_, '_> {
            type Ok = ();
            type Error = SerializeRefused;
            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), SerializeRefused> {
                self.field(key, value)
            }
            fn skip_field(&mut self, key: &'static str) -> Result<(), SerializeRefused> {
                Err(self.skipped(key))
            }
            #[inline]
            fn end(self) -> Result<(), SerializeRefused> {
                Ok(())
            }
        })*
    };
}

structs! { SerializeStruct SerializeStructVariant }

#[cfg(test)]
mod tests;
