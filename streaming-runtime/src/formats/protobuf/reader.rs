//! Messages, by serde.

use std::vec;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value};
use serde::{
    Deserializer,
    de::{
        DeserializeSeed, IntoDeserializer, MapAccess, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

/// A message, as a map of the fields that it has to their names.
pub(super) struct MessageReader(pub(super) DynamicMessage);

/// The fields of a message that are still to come.
struct Fields {
    message: DynamicMessage,
    fields: vec::IntoIter<FieldDescriptor>,
    next: Option<FieldDescriptor>,
}

/// A value, with what its field says of it.
struct ValueReader {
    value: Value,
    kind: Kind,
}

/// The key of a map.
struct KeyReader(MapKey);

impl<'de> Deserializer<'de> for MessageReader {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let fields: Vec<FieldDescriptor> = self.0.descriptor().fields().collect();
        visitor.visit_map(Fields { message: self.0, fields: fields.into_iter(), next: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        // A field that the message can leave out and has is none of its own.
        let message = &self.message;
        self.next = self.fields.by_ref().find(|field| !field.supports_presence() || message.has_field(field));
        self.next.as_ref().map(|field| seed.deserialize(field.name().into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let field = self.next.take().expect("serde asks for a key first");
        let value = self.message.take_field(&field).unwrap_or_else(|| Value::default_value_for_field(&field));
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        seed.deserialize(ValueReader { value, kind })
    }
}

impl ValueReader {
    /// The name of an enum's value.
    fn symbol(&self) -> Option<String> {
        match (&self.value, &self.kind) {
            (Value::EnumNumber(number), Kind::Enum(symbols)) => {
                symbols.get_value(*number).map(|value| value.name().to_owned())
            }
            _ => None,
        }
    }
}

/// Numbers of enums, where a number is asked for.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.value {
                Value::EnumNumber(number) => visitor.visit_i32(number),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> IntoDeserializer<'de, Error> for ValueReader {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ValueReader {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(symbol) = self.symbol() {
            return visitor.visit_string(symbol);
        }
        let kind = self.kind;
        match self.value {
            Value::Bool(value) => visitor.visit_bool(value),
            Value::I32(value) | Value::EnumNumber(value) => visitor.visit_i32(value),
            Value::I64(value) => visitor.visit_i64(value),
            Value::U32(value) => visitor.visit_u32(value),
            Value::U64(value) => visitor.visit_u64(value),
            Value::F32(value) => visitor.visit_f32(value),
            Value::F64(value) => visitor.visit_f64(value),
            Value::String(value) => visitor.visit_string(value),
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            Value::Message(message) => MessageReader(message).deserialize_any(visitor),
            Value::List(values) => {
                let values = values.into_iter().map(|value| ValueReader { value, kind: kind.clone() });
                visitor.visit_seq(SeqDeserializer::new(values))
            }
            Value::Map(entries) => {
                let entry = |(key, value)| (KeyReader(key), ValueReader { value, kind: kind.clone() });
                visitor.visit_map(MapDeserializer::new(entries.into_iter().map(entry)))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Bytes are numbers, as to a `Vec<u8>`, unless they are asked for as bytes.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes.to_vec()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match (self.symbol(), self.value) {
            (Some(symbol), _) | (None, Value::String(symbol)) => {
                visitor.visit_enum(symbol.into_deserializer())
            }
            (None, Value::EnumNumber(number)) => {
                Err(serde::de::Error::custom(format!("an enum has no symbol for {number}")))
            }
            (None, _) => Err(serde::de::Error::custom("a field is no enum")),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string seq unit unit_struct tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for KeyReader {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl KeyReader {
    fn text(self) -> String {
        match self.0 {
            MapKey::Bool(key) => key.to_string(),
            MapKey::I32(key) => key.to_string(),
            MapKey::I64(key) => key.to_string(),
            MapKey::U32(key) => key.to_string(),
            MapKey::U64(key) => key.to_string(),
            MapKey::String(key) => key,
        }
    }
}

/// A key is a text where one is asked for: maps of any value have texts for keys.
impl<'de> Deserializer<'de> for KeyReader {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            MapKey::Bool(key) => visitor.visit_bool(key),
            MapKey::I32(key) => visitor.visit_i32(key),
            MapKey::I64(key) => visitor.visit_i64(key),
            MapKey::U32(key) => visitor.visit_u32(key),
            MapKey::U64(key) => visitor.visit_u64(key),
            MapKey::String(key) => visitor.visit_string(key),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}
