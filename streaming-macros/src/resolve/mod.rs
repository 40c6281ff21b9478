//! From statements to the graph. What a name means, what is a stream and what an operator reads is decided
//! here; streams are taken out of the statements and placeholders left in their stead.
//!
//! Here stand the names and the nodes; `statement` goes through the body, `expression` takes streams apart, `operator` looks at
//! calls of operators, `sinks` at what is sent, `windows` at lengths of time, and `scope` knows the names that closures hide.
//! What is wrong with a call by itself is found by `call_shape` and `advice`, with a closure by `closures`, `key_state` and `waits`,
//! with other expressions by `misuse` and `foreign_syntax`: they say it themselves, since it depends on nothing else.

mod advice;
mod call_shape;
mod closures;
mod expression;
mod foreign_syntax;
mod key_state;
mod misuse;
mod operator;
mod scope;
mod sinks;
mod statement;
mod surroundings;
mod waits;
mod windows;

use std::collections::{HashMap, HashSet};

use proc_macro2::Ident;
use quote::ToTokens;
use syn::Expr;

use crate::{
    durations::common,
    graph::{Binding, BindingId, Edge, Finding, Flow, Graph, Node, NodeId, Origin, Site, What},
    operators::{Memory, known},
    parse::{Item, Way, partial_parse},
    tokens::{has_marker, name_of, placeholder},
};
use surroundings::Surroundings;

/// What a name of the body means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A stream.
    Stream(BindingId),
    /// A sink port.
    Sink(NodeId),
    /// Several streams as the fields of one value.
    Parts(PartsId),
    /// A port that the header does not describe well enough, or a value.
    Other,
}

/// A value with streams in its fields, by its index.
pub type PartsId = usize;

/// A value with streams in its fields.
pub struct Parts {
    /// What returned it.
    stream: Edge,
    /// The loops around it.
    level: usize,
    /// What its fields mean, each by its text.
    fields: HashMap<String, BindingId>,
}

/// Where an expression stands.
#[derive(Clone, Default)]
pub struct Place {
    /// The loops around it as a path: `reached/loop`.
    pub loops: Vec<String>,
    /// The name of the `let` or sink that its statement works for.
    pub name: String,
    /// The innermost loop.
    pub inside: Option<NodeId>,
}

impl Place {
    /// How many loops there are around it: each has a name and the word `loop` in the path.
    pub fn level(&self) -> usize {
        self.loops.len() / 2
    }
    fn path(&self) -> String {
        let parts = self.loops.iter().chain([&self.name]).filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join("/")
    }
}

/// The pass.
pub struct Resolver {
    /// What was understood so far.
    pub graph: Graph,
    /// Names, innermost scope last.
    pub names: Vec<HashMap<String, Meaning>>,
    /// Where the statement at hand stands.
    pub place: Place,
    /// How many operators of a name stand at a place.
    taken: HashMap<(String, String), usize>,
    /// Which of them hold state.
    stateful: HashMap<(String, String), bool>,
    /// Values with streams in their fields.
    parts: Vec<Parts>,
    /// What the body as a whole names.
    surroundings: Surroundings,
    /// The values of a pipeline's header.
    values: HashSet<String>,
    /// Every name that the header declares.
    declared: HashSet<String>,
    /// What is made by a call in which nothing of the pipeline stands, with that call.
    plain: HashMap<String, String>,
    /// Conditions of ports, and whether they hold here.
    assumed: Vec<(String, bool)>,
}

/// Understands the body of an item.
pub fn resolve(item: &Item) -> Graph {
    let chunks = partial_parse::chunks(item.body.clone());
    let mut resolver = Resolver {
        graph: Graph::of_header(item),
        names: vec![HashMap::new()],
        place: Place::default(),
        taken: HashMap::new(),
        stateful: HashMap::new(),
        parts: Vec::new(),
        surroundings: Surroundings::of(&chunks),
        plain: HashMap::new(),
        declared: item.declared.iter().cloned().collect(),
        // A stage may have a stream by another name of its type.
        values: item.values.iter().filter(|_| !item.is_stage).map(|value| name_of(&value.name)).collect(),
        assumed: item.assumed.clone(),
    };
    resolver.graph.incomplete = has_marker(&item.body);
    resolver.header(item);
    let durations = std::mem::take(&mut resolver.surroundings.durations);
    resolver.graph.findings.extend(durations.into_iter().map(|(at, words)| Finding::Mistake(at, words)));
    let last = chunks.len();
    for (number, chunk) in chunks.into_iter().enumerate() {
        let part = resolver.chunk(chunk, item.is_stage && number + 1 == last);
        resolver.graph.parts.push(part);
    }
    if last == 0 && item.is_stage {
        resolver.graph.findings.push(Finding::NoResult(item.name.to_token_stream()));
    }
    resolver.graph
}

impl Resolver {
    fn header(&mut self, item: &Item) {
        for port in &item.ports {
            let name = name_of(&port.name);
            let meaning = match &port.role {
                None => Meaning::Other,
                Some((way, record)) => {
                    let what = match way {
                        Way::Source => What::Source(record.clone()),
                        Way::Sink => What::Sink(record.clone()),
                    };
                    let node = self.add(what, &port.name, String::new(), Vec::new());
                    match way {
                        Way::Source => self.bind(&port.name, Origin::Port, self.edge(node), false),
                        Way::Sink => Meaning::Sink(node),
                    }
                }
            };
            self.names[0].insert(name, meaning);
        }
        for value in &item.values {
            self.names[0].insert(name_of(&value.name), Meaning::Other);
        }
        // The body may shadow the header's names without the header forgetting them.
        self.names.push(HashMap::new());
    }

    /// What a name means at this place.
    pub fn named(&self, name: &str) -> Option<Meaning> {
        self.names.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    /// What a name means at this place.
    pub fn meaning(&self, ident: &Ident) -> Option<Meaning> {
        self.named(&name_of(ident))
    }

    /// Whether a name stands for a stream at this place.
    pub fn names_stream(&self, name: &str) -> bool {
        matches!(self.names.iter().rev().find_map(|scope| scope.get(name)), Some(Meaning::Stream(_)))
    }

    /// Whether a name stands for a stream, whatever the user's own code makes.
    pub fn names_surely(&self, name: &str) -> bool {
        matches!(self.named(name), Some(Meaning::Stream(binding)) if self.graph.bindings[binding].certain)
    }

    /// Gives a name of a pattern its meaning from here on.
    pub fn define(&mut self, ident: &Ident, meaning: Meaning) {
        if matches!(self.meaning(ident), Some(Meaning::Sink(_))) {
            // The sink keeps its name, so that this is the only thing that is reported.
            self.graph.findings.push(Finding::SinkShadowed(ident.clone()));
            return;
        }
        self.plain.remove(&name_of(ident));
        self.names.last_mut().expect("there is always a scope").insert(name_of(ident), meaning);
    }

    /// Makes a name stand for a stream.
    pub fn bind(&mut self, name: &Ident, origin: Origin, stream: Edge, typed: bool) -> Meaning {
        let level = self.place.level();
        let id = self.graph.bindings.len();
        let stream = Edge { binding: Some(id), ..stream };
        self.graph.bindings.push(Binding {
            name: name.clone(),
            origin,
            stream,
            failures: false,
            certain: origin != Origin::Opaque,
            uses: 0,
            enters: false,
            typed,
            level,
        });
        Meaning::Stream(id)
    }

    /// The stream that a node delivers, on its way to its only reader.
    pub fn edge(&self, from: NodeId) -> Edge {
        Edge { from, output: None, binding: None }
    }

    fn add(&mut self, what: What, ident: &Ident, place: String, inputs: Vec<Edge>) -> NodeId {
        let name = name_of(ident);
        let operator = known(&name).filter(|_| matches!(what, What::Operator));
        // What is made of two is renewed with each.
        let slides = inputs.iter().map(|input| self.graph.nodes[input.from].slide);
        let slide = slides.reduce(|one, other| Some(common(one?, other?))).unwrap_or(self.graph.batch);
        let inside = self.place.inside;
        // In a loop, a window is what is kept.
        let passes = operator.is_some_and(|operator| operator.passes_windows) && inside.is_none();
        let windowed = passes && inputs.iter().all(|input| self.graph.nodes[input.from].windowed);
        let own = self.graph.remembers(operator, &inputs)
            || operator.is_some_and(|operator| operator.memory == Memory::Marks);
        // Code of the user's may cut windows of its own.
        let unknown = operator.is_none() && matches!(what, What::Operator | What::Function);
        let past = own || inputs.iter().any(|input| self.graph.nodes[input.from].past);
        self.graph.nodes.push(Node {
            what,
            name,
            place,
            number: 1,
            ident: ident.clone(),
            inputs,
            operator,
            text: String::new(),
            path: None,
            slide: slide.filter(|_| !unknown),
            windowed,
            past,
            inside,
            feedback: None,
        });
        self.graph.nodes.len() - 1
    }

    /// Adds an operator of the statement at hand.
    pub fn operator(&mut self, what: What, method: &Ident, inputs: Vec<Edge>) -> NodeId {
        let place = self.place.path();
        let node = self.add(what, method, place.clone(), inputs);
        let key = (place, name_of(method));
        let number = self.taken.entry(key.clone()).or_default();
        *number += 1;
        self.graph.nodes[node].number = *number;
        let entry = &self.graph.nodes[node];
        let remembers = self.graph.remembers(entry.operator, &entry.inputs);
        let either = self.stateful.entry(key).or_default();
        *either |= remembers;
        if *number > 1 && *either {
            self.graph.findings.push(Finding::StateTwice(node));
        }
        node
    }

    /// Puts a stream aside and its placeholder where it stood.
    pub fn put_aside(&mut self, expr: &mut Expr, flow: Flow, handed: bool) -> usize {
        let number = self.graph.sites.len();
        *expr =
            Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path: placeholder(number).into() });
        self.graph.sites.push(Site { flow, handed, call: None, binds: Vec::new() });
        number
    }
}
