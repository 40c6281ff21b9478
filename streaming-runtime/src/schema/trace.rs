//! The runs of a type whose values are made up: which branch each value takes, and what is known after it.

mod tracer;

use std::{
    any::type_name,
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::de::Error;

pub(super) use self::tracer::Tracer;
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

/// How many values of each number and string are made up in the end: 1 and 0, an empty string and another.
const OFFERS: usize = 2;
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

    fn declares_struct(&mut self, name: &'static str, fields: &'static [&'static str]) {
        self.structs.insert(name, fields);
    }

    fn declares_tuple(&mut self, name: &'static str, length: usize) {
        self.tuples.insert(name, length);
    }

    fn declares_enum(&mut self, name: &'static str, variants: &'static [&'static str]) {
        self.enums.insert(name, variants);
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
}
