//! The deserializer that makes values up.

use std::{
    any::type_name,
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor, value::U32Deserializer,
};

use crate::{
    codec::Declared,
    schema::graph::{Form, Graph, NodeKind, Shape},
};

/// Values that are made up, in all runs together.
const STEPS: usize = 200_000;
/// Branches that are looked at to plan, in all runs together: some seconds in unoptimised code.
const WORK: usize = 10_000_000;
/// How deep a value may be: a type that has no end is given up there.
const DEPTH: usize = 96;
/// Bytes that a value may be large itself, without what it has on the heap: it lies on the stack, some times over.
const SIZE: usize = 64 << 10;
/// From here on values take the shortest way to their end.
const DEEP: usize = 24;

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
/// How many values of each number and string are made up in the end: 1 and 0, an empty string and another.
const OFFERS: usize = 2;
/// Lengths of bytes that are made up.
const BYTES: &[usize] = &[0, 1, 16, 32, 4, 8, 12, 20, 24, 33, 64];

/// Why a run did not come to its end.
#[derive(Debug)]
pub(super) enum TraceRefused {
    /// The type does not take a value.
    Value,
    /// All ways lead on, as far as is known yet.
    NoEnd,
    TooLarge,
}

impl fmt::Display for TraceRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that was made up is refused")
    }
}

impl std::error::Error for TraceRefused {}

impl Error for TraceRefused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        TraceRefused::Value
    }
}

/// Where a value is: a part of a branch of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TracePlace {
    way: (usize, usize),
    part: usize,
}

/// One run after the other of a type.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) graph: Graph,
    /// The form of the last value that was asked for.
    last: Shape,
    root: Shape,
    inside: Vec<TracePlace>,
    depth: usize,
    /// Something new was found in this run.
    explored: bool,
    /// What the last made-up value was, and the choices that led there: these are changed if it is refused.
    offered: Option<(Option<TracePlace>, usize)>,
    choices: Vec<(usize, usize)>,
    /// Which of the made-up values is due.
    due: HashMap<Option<TracePlace>, usize>,
    /// How many values further on what is made up is to be.
    offer: usize,
    steps: usize,
    /// What was asked for by name.
    structs: BTreeMap<&'static str, &'static [&'static str]>,
    tuples: BTreeMap<&'static str, usize>,
    enums: BTreeMap<&'static str, &'static [&'static str]>,
    asks: bool,
}

impl Trace {
    pub(super) fn begin(&mut self) {
        self.last = Shape::Unknown;
        self.root = Shape::Unknown;
        self.inside.clear();
        self.choices.clear();
        self.offered = None;
        (self.depth, self.explored) = (0, false);
    }

    pub(super) fn root(&self) -> Shape {
        self.root
    }

    /// What was asked for by name so far.
    pub(super) fn declared(&self) -> Declared {
        Declared {
            structs: self.structs.iter().map(|(name, fields)| (*name, *fields)).collect(),
            tuples: self.tuples.iter().map(|(name, length)| (*name, *length)).collect(),
            enums: self.enums.iter().map(|(name, variants)| (*name, *variants)).collect(),
            asks: self.asks,
        }
    }

    /// All that a value may be made towards, see [`aim`](Trace::aim).
    pub(super) fn aims(&self) -> Vec<(Option<(usize, usize)>, usize)> {
        let branches = self.graph.branches();
        let aims = || [None].into_iter().chain(branches.iter().copied().map(Some));
        (0..OFFERS).flat_map(|offer| aims().map(move |aim| (aim, offer))).collect()
    }

    /// Lets the next runs make the shortest values that have a branch, or the shortest of all, with numbers and strings
    /// that are so many further on.
    pub(super) fn aim(&mut self, branch: Option<(usize, usize)>, offer: usize) {
        // A branch that is nowhere: nothing is looked for.
        self.graph.aim(Some(branch.unwrap_or((usize::MAX, 0))));
        self.offer = offer;
    }

    /// After a refusal: sets another value for what was offered last, or leaves the branch out that led there. Whether
    /// there is anything else to try.
    pub(super) fn offer_another(&mut self) -> bool {
        if let Some((place, values)) = self.offered {
            let due = self.due.entry(place).or_insert(0);
            if *due + 1 < values {
                *due += 1;
                return true;
            }
        }
        let choices = std::mem::take(&mut self.choices);
        choices.into_iter().rev().any(|choice| self.graph.avoid(choice))
    }

    pub(super) fn come_back_later(&mut self) -> bool {
        let choices = std::mem::take(&mut self.choices);
        choices.into_iter().rev().any(|choice| self.graph.later(choice))
    }

    fn note_choices(&mut self) {
        let graph = &self.graph;
        let is_choice = |place: &&TracePlace| graph.node(place.way.0).branches.len() > 1;
        self.choices.clear();
        self.choices.extend(self.inside.iter().filter(is_choice).map(|place| place.way));
    }

    fn step(&mut self) -> Result<(), TraceRefused> {
        self.steps += 1;
        if self.steps > STEPS || self.graph.work() > WORK { Err(TraceRefused::TooLarge) } else { Ok(()) }
    }

    fn seen(&mut self, shape: Shape) {
        self.last = shape;
        if self.inside.is_empty() {
            self.root = shape;
        }
    }

    /// A value without parts; which of the `values` that it can be made up as is due.
    fn leaf(&mut self, name: &'static str, values: usize) -> Result<usize, TraceRefused> {
        self.seen(Shape::Leaf(name));
        self.step()?;
        let place = self.inside.last().copied();
        self.offered = Some((place, values));
        self.note_choices();
        Ok((self.due.get(&place).copied().unwrap_or(0) + self.offer).min(values - 1))
    }

    /// A value with parts: chooses a branch and lets `visit` make it. Noted also if that fails. What is made
    /// in the end tells it from others.
    fn node<V>(
        &mut self,
        kind: NodeKind,
        visit: impl FnOnce(&mut Self, usize) -> Result<V, TraceRefused>,
    ) -> Result<V, TraceRefused> {
        let node = self.graph.id_of(type_name::<V>(), kind);
        self.seen(Shape::Node(node));
        self.step()?;
        if size_of::<V>() > SIZE {
            return Err(TraceRefused::TooLarge);
        }
        let found = self.deeper(|trace| {
            let inside = |branch| trace.inside.iter().any(|place| place.way == (node, branch));
            let branch = match kind {
                NodeKind::Tuple(_) | NodeKind::Struct(_) => Some(0),
                _ => trace.graph.choose(node, inside, trace.explored, trace.depth > DEEP),
            };
            let Some(branch) = branch else {
                trace.note_choices();
                return Err(TraceRefused::NoEnd);
            };
            trace.explored |= trace.graph.is_aim(node, branch);
            trace.inside.push(TracePlace { way: (node, branch), part: 0 });
            if trace.graph.node(node).branches.len() > 1 {
                trace.offered = None; // a refusal from here on is of the choice, until there is a value
                trace.note_choices();
            }
            let made = visit(trace, branch);
            trace.inside.pop();
            made
        });
        self.seen(Shape::Node(node));
        found
    }

    fn deeper<V>(
        &mut self,
        visit: impl FnOnce(&mut Self) -> Result<V, TraceRefused>,
    ) -> Result<V, TraceRefused> {
        if self.depth == DEPTH {
            self.note_choices();
            return Err(TraceRefused::NoEnd);
        }
        self.depth += 1;
        let made = visit(self);
        self.depth -= 1;
        made
    }

    /// The branch that is being made has this many parts.
    fn has(&mut self, form: Form, parts: usize) {
        let way = self.inside.last().expect("a branch is entered by `node`").way;
        let before = self.graph.progress();
        self.graph.entered(way, form, parts);
        self.explored |= self.graph.progress() > before;
    }

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

pub(super) struct Tracer<'t>(&'t mut Trace);

impl<'t> Tracer<'t> {
    pub(super) fn new(trace: &'t mut Trace) -> Self {
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
        self.0.tuples.insert(name, len);
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.structs.insert(name, fields);
        self.parts(NodeKind::Struct(fields), Form::Struct(fields), fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.0.enums.insert(name, variants);
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
