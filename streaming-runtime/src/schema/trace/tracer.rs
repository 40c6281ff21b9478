//! The deserializer that makes values up.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor, value::U32Deserializer,
};

use crate::schema::{
    graph::{Form, NodeKind, Shape},
    trace::{Trace, TraceRefused},
};

/// What strings are made up as, in turn, until the type takes one.
const STRINGS: &[&str] = &[
    "",
    "0",
    "a",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01 00:00:00 UTC",
    "1970-01-01",
    "00:00:00",
    "P1D",
    "UTC",
    "00000000-0000-0000-0000-000000000000",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.0/8",
    "::1",
    "[::1]:80",
    "http://localhost/",
    "a@b.cc",
    "0.0.0",
    "en",
    "EUR",
    "00",
    "{}",
];
/// Lengths of bytes that are made up.
const BYTES: &[usize] = &[0, 1, 16, 32, 4, 8, 12, 20, 24, 33, 64];

pub(in crate::schema) struct Tracer<'t>(&'t mut Trace);

impl<'t> Tracer<'t> {
    pub(in crate::schema) fn new(trace: &'t mut Trace) -> Self {
        Tracer(trace)
    }

    /// All parts of a tuple or struct.
    fn parts<'de, V: Visitor<'de>>(
        self,
        kind: NodeKind,
        form: Form,
        parts: usize,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.node(kind, |trace, _| {
            trace.has(form, parts);
            visitor.visit_seq(TracedParts { trace, next: 0, end: parts })
        })
    }
}

impl Trace {
    /// Makes a part of the branch.
    fn part<'de, S: DeserializeSeed<'de>>(&mut self, part: usize, seed: S) -> Result<S::Value, TraceRefused> {
        let place = self.inside.last_mut().expect("a branch is entered by `node`");
        place.part = part;
        let way = place.way;
        self.last = Shape::Unknown;
        let made = seed.deserialize(Tracer::new(self));
        self.graph.found(way, part, self.last);
        made
    }
}

macro_rules! leaves {
    ($($method:ident $name:literal $visit:ident $values:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
            let values = $values;
            let due = self.0.leaf($name, values.len())?;
            visitor.$visit(values[due])
        })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = TraceRefused;

    leaves! {
        deserialize_bool "bool" visit_bool [false, true];
        deserialize_i8 "i8" visit_i8 [1, 0, -1, 10];
        deserialize_i16 "i16" visit_i16 [1, 0, -1, 10, 1970];
        deserialize_i32 "i32" visit_i32 [1, 0, -1, 10, 1970];
        deserialize_i64 "i64" visit_i64 [1, 0, -1, 10, 1970];
        deserialize_i128 "i128" visit_i128 [1, 0, -1, 10, 1970];
        deserialize_u8 "u8" visit_u8 [1, 0, 2, 10, 32, b'A'];
        deserialize_u16 "u16" visit_u16 [1, 0, 2, 10, 1970];
        deserialize_u32 "u32" visit_u32 [1, 0, 2, 10, 1970];
        deserialize_u64 "u64" visit_u64 [1, 0, 2, 10, 1970];
        deserialize_u128 "u128" visit_u128 [1, 0, 2, 10, 1970];
        deserialize_f32 "f32" visit_f32 [1.0, 0.0, 0.5, -1.0];
        deserialize_f64 "f64" visit_f64 [1.0, 0.0, 0.5, -1.0];
        deserialize_char "char" visit_char ['a', '0', 'A', ' '];
        deserialize_str "String" visit_str STRINGS;
    }

    /// The name of a part, which only formats have that describe themselves.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.0.asks = true;
        self.deserialize_str(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        let due = self.0.leaf("String", STRINGS.len())?;
        visitor.visit_string(STRINGS[due].to_owned())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        let due = self.0.leaf("bytes", BYTES.len())?;
        visitor.visit_bytes(&vec![0; BYTES[due]])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        let due = self.0.leaf("bytes", BYTES.len())?;
        visitor.visit_byte_buf(vec![0; BYTES[due]])
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.0.leaf("()", 1)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.deserialize_unit(visitor)
    }

    /// What is in the input, whatever that is: only self-describing formats know.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.0.asks = true;
        match self.0.leaf("any", 4)? {
            0 => visitor.visit_unit(),
            1 => visitor.visit_u64(1),
            2 => visitor.visit_bool(true),
            _ => visitor.visit_str("a"),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.deeper(|trace| visitor.visit_newtype_struct(Tracer(trace)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.0.node(NodeKind::Option, |trace, branch| {
            if branch == 0 {
                return visitor.visit_none();
            }
            trace.has(Form::Tuple, 1);
            trace.last = Shape::Unknown;
            let way = trace.inside.last().expect("a branch is entered by `node`").way;
            let made = visitor.visit_some(Tracer(trace));
            trace.graph.found(way, 0, trace.last);
            made
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.0.node(NodeKind::Seq, |trace, branch| {
            if branch == 1 {
                trace.has(Form::Tuple, 1);
            }
            visitor.visit_seq(TracedParts { trace, next: 0, end: branch })
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.0.node(NodeKind::Map, |trace, branch| {
            if branch == 1 {
                trace.has(Form::Tuple, 2);
            }
            visitor.visit_map(TracedParts { trace, next: 0, end: 2 * branch })
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, TraceRefused> {
        self.parts(NodeKind::Tuple(len), Form::Tuple, len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.declares_tuple(name, len);
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.declares_struct(name, fields);
        self.parts(NodeKind::Struct(fields), Form::Struct(fields), fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.declares_enum(name, variants);
        let kind = NodeKind::Enum(variants);
        self.0.node(kind, |trace, branch| visitor.visit_enum(Variant { trace, branch: branch as u32 }))
    }

    /// As the format of states and of what travels between processes.
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a branch from `next` on.
struct TracedParts<'t> {
    trace: &'t mut Trace,
    next: usize,
    end: usize,
}

impl TracedParts<'_> {
    fn part<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, TraceRefused> {
        self.next += 1;
        self.trace.part(self.next - 1, seed)
    }
}

impl<'de> SeqAccess<'de> for TracedParts<'_> {
    type Error = TraceRefused;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TraceRefused> {
        if self.next < self.end { self.part(seed).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.end - self.next)
    }
}

impl<'de> MapAccess<'de> for TracedParts<'_> {
    type Error = TraceRefused;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, TraceRefused> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, TraceRefused> {
        if self.next < self.end { self.part(seed) } else { Err(TraceRefused::Value) }
    }
}

struct Variant<'t> {
    trace: &'t mut Trace,
    branch: u32,
}

impl<'de, 't> EnumAccess<'de> for Variant<'t> {
    type Error = TraceRefused;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), TraceRefused> {
        let number: U32Deserializer<TraceRefused> = self.branch.into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = TraceRefused;

    fn unit_variant(self) -> Result<(), TraceRefused> {
        self.trace.has(Form::Unit, 0);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, TraceRefused> {
        self.trace.has(Form::Tuple, 1);
        self.trace.part(0, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, TraceRefused> {
        self.trace.has(Form::Tuple, len);
        visitor.visit_seq(TracedParts { trace: self.trace, next: 0, end: len })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.trace.has(Form::Struct(fields), fields.len());
        visitor.visit_seq(TracedParts { trace: self.trace, next: 0, end: fields.len() })
    }
}
