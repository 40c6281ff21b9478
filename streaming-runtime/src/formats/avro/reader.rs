//! Values of Avro, by serde. That of the library gives bytes to no `Vec<u8>`.

use apache_avro::types::Value;
use serde::{
    Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

/// A value; one of a union is what is in it.
pub(super) struct ValueReader(Value);

impl ValueReader {
    pub(super) fn new(mut value: Value) -> Self {
        while let Value::Union(_, inner) = value {
            value = *inner;
        }
        ValueReader(value)
    }

    /// The bytes of what is stored as bytes.
    fn bytes(self) -> Result<Vec<u8>, Value> {
        match self.0 {
            Value::Bytes(bytes) | Value::Fixed(_, bytes) => Ok(bytes),
            Value::Decimal(decimal) => Vec::try_from(&decimal).map_err(|_| Value::Decimal(decimal)),
            Value::Duration(duration) => Ok(<[u8; 12]>::from(duration).to_vec()),
            other => Err(other),
        }
    }
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
        let other = match self.bytes() {
            Ok(bytes) => return visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            Err(other) => other,
        };
        match other {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Int(value) | Value::Date(value) | Value::TimeMillis(value) => visitor.visit_i32(value),
            Value::Long(value)
            | Value::TimeMicros(value)
            | Value::TimestampMillis(value)
            | Value::TimestampMicros(value)
            | Value::TimestampNanos(value)
            | Value::LocalTimestampMillis(value)
            | Value::LocalTimestampMicros(value)
            | Value::LocalTimestampNanos(value) => visitor.visit_i64(value),
            Value::Float(value) => visitor.visit_f32(value),
            Value::Double(value) => visitor.visit_f64(value),
            Value::String(value) | Value::Enum(_, value) => visitor.visit_string(value),
            Value::Uuid(value) => visitor.visit_string(value.to_string()),
            Value::Array(values) => {
                visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(ValueReader::new)))
            }
            Value::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key, ValueReader::new(value)));
                visitor.visit_map(MapDeserializer::new(entries))
            }
            Value::Record(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, ValueReader::new(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            _ => Err(serde::de::Error::custom("a value of a kind that is not read")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
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
        match self.bytes() {
            Ok(bytes) => visitor.visit_byte_buf(bytes),
            Err(other) => ValueReader(other).deserialize_any(visitor),
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
        match self.0 {
            Value::Enum(_, symbol) | Value::String(symbol) => visitor.visit_enum(symbol.into_deserializer()),
            _ => Err(serde::de::Error::custom("a value is no enum")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}
