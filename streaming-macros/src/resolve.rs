//! From statements to the graph. What a name means, what is a stream and what an operator reads is decided
//! here; streams are taken out of the statements and placeholders left in their stead.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use quote::format_ident;
use syn::{Attribute, Expr, Local, Macro, Pat, Stmt, visit::Visit};

use crate::{
    graph::{Binding, BindingId, Edge, Finding, Flow, Graph, Node, NodeId, Origin, Part, Site, What},
    operators::{Memory, Operator, known},
    parse::{Item, Way},
    scope::{bound, free_in},
    time::common,
    tolerant::{self, Chunk, name_of},
};

/// What a name of the body means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A stream.
    Stream(BindingId),
    /// A sink port.
    Sink(NodeId),
    /// A port that the header does not describe well enough, or a value.
    Other,
}

/// The name before a placeholder's number.
pub const PLACEHOLDER: &str = "__stream_";

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
}

/// Understands the body of an item.
pub fn resolve(item: &Item) -> Graph {
    let mut resolver = Resolver {
        graph: Graph::of_header(item),
        names: vec![HashMap::new()],
        place: Place::default(),
        taken: HashMap::new(),
        stateful: HashMap::new(),
    };
    resolver.graph.incomplete = tolerant::has_marker(&item.body);
    resolver.header(item);
    let chunks = tolerant::chunks(item.body.clone());
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

    /// `ends` says whether the last statement is what a stage returns.
    fn chunk(&mut self, chunk: Chunk, ends: bool) -> Part {
        match chunk {
            Chunk::Whole(mut statements) => {
                self.note_unseen(&statements);
                match statements.split_last_mut().filter(|_| ends) {
                    Some((last, before)) => {
                        before.iter_mut().for_each(|statement| self.statement(statement));
                        self.returned(last);
                    }
                    None => statements.iter_mut().for_each(|statement| self.statement(statement)),
                }
                Part::Whole(statements)
            }
            Chunk::Filled { mut statements, open } => {
                self.graph.incomplete = true;
                statements.iter_mut().for_each(|statement| self.statement(statement));
                Part::Filled(statements, open)
            }
            Chunk::Broken(tokens) => {
                self.graph.incomplete = true;
                if let Some(name) = tolerant::broken_binding(&tokens) {
                    let node = self.add(What::Function, &name, name_of(&name), Vec::new());
                    let meaning = self.bind(&name, Origin::Opaque, self.edge(node), false);
                    self.define(&name, meaning);
                }
                Part::Broken(tokens)
            }
        }
    }

    /// Names inside of macro calls may be streams: a rule about absence must not say that they are unused.
    fn note_unseen(&mut self, statements: &[Stmt]) {
        struct Macros<'a>(&'a mut Graph);
        impl<'a> Visit<'a> for Macros<'_> {
            fn visit_macro(&mut self, call: &'a Macro) {
                tolerant::for_each_name(&call.tokens, &mut |name| self.0.unseen.extend([name]));
            }
        }
        let mut macros = Macros(&mut self.graph);
        statements.iter().for_each(|statement| macros.visit_stmt(statement));
        for statement in statements {
            let sinks = free_in(statement, |name| matches!(self.named(name), Some(Meaning::Sink(_))));
            self.graph.given.extend(sinks.iter().map(name_of));
            if let Stmt::Item(item) = statement {
                self.graph.items.push(item.clone());
            }
        }
    }

    /// What a name means at this place.
    pub fn named(&self, name: &str) -> Option<Meaning> {
        self.names.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    /// The last line of a stage.
    fn returned(&mut self, last: &mut Stmt) {
        if let Stmt::Expr(result, None) = last {
            let before = self.graph.sites.len();
            let results = self.results(result);
            if results.is_empty()
                && self.graph.sites.len() == before
                && !tolerant::has_marker(&result.to_token_stream())
            {
                self.graph.findings.push(Finding::NoResult(result.to_token_stream()));
            }
            self.graph.stage = Some(results);
        } else {
            self.statement(last);
            // The statement is told of anyway if it makes a stream.
            let is_stream = matches!(self.graph.findings.last(), Some(Finding::Dangling(..)));
            if !is_stream {
                self.graph.findings.push(Finding::NoResult(last.to_token_stream()));
            }
        }
    }

    /// The streams that a stage returns: one, or those of a tuple.
    fn results(&mut self, result: &mut Expr) -> Vec<Edge> {
        match result {
            Expr::Tuple(tuple) => tuple.elems.iter_mut().flat_map(|part| self.results(part)).collect(),
            _ => self.argument(result, true).map(|(stream, _)| stream).into_iter().collect(),
        }
    }

    /// What a name means at this place.
    pub fn meaning(&self, ident: &Ident) -> Option<Meaning> {
        self.named(&name_of(ident))
    }

    /// Whether a name stands for a stream at this place.
    pub fn names_stream(&self, name: &str) -> bool {
        matches!(self.names.iter().rev().find_map(|scope| scope.get(name)), Some(Meaning::Stream(_)))
    }

    /// Gives a name of a pattern its meaning from here on.
    pub fn define(&mut self, ident: &Ident, meaning: Meaning) {
        if matches!(self.meaning(ident), Some(Meaning::Sink(_))) {
            // The sink keeps its name, so that this is the only thing that is reported.
            self.graph.findings.push(Finding::SinkShadowed(ident.clone()));
            return;
        }
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
        let passes = operator.is_some_and(Operator::leaves_windows) && inside.is_none();
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

    /// Takes the streams out of a statement.
    pub fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Expr(expr, _) => {
                if self.is_stream(expr) {
                    let condition = condition(attributes(expr));
                    self.graph.findings.extend(condition.map(Finding::Conditional));
                }
                self.place.name = self.name_of_chain(expr);
                if self.is_stream(expr) {
                    let site = self.take(expr, false);
                    if self.two(site) {
                        // It is said how the two are named.
                    } else if let Some(last) = self.dangling(site) {
                        let in_loop = self.place.inside.is_some();
                        self.graph.findings.push(Finding::Dangling(last, in_loop));
                    }
                } else {
                    self.rust(expr);
                }
                self.place.name.clear();
            }
            Stmt::Item(_) | Stmt::Macro(_) => {}
        }
    }

    fn local(&mut self, local: &mut Local) {
        let names = bound(&local.pat);
        self.place.name = names.iter().map(name_of).collect::<Vec<_>>().join("+");
        let Some(init) = &mut local.init else {
            names.iter().for_each(|name| self.define(name, Meaning::Other));
            return;
        };
        if let Some((_, diverge)) = &mut init.diverge {
            self.rust(diverge);
        }
        if self.is_stream(&init.expr) {
            self.graph.findings.extend(condition(&local.attrs).map(Finding::Conditional));
            let (pattern, typed) = match &local.pat {
                Pat::Type(typed) => (&*typed.pat, true),
                pattern => (pattern, false),
            };
            let site = self.take(&mut init.expr, false);
            let is_one = matches!(pattern, Pat::Ident(_)) && self.two(site);
            let stream = self.edge_of(&self.graph.sites[site].flow);
            let origin = self.origin(&self.graph.sites[site].flow);
            let binds = self.destructure(pattern, origin, stream, typed);
            if !is_one {
                self.failures(site, pattern, &binds);
            }
            self.graph.sites[site].binds = binds;
        } else {
            self.rust(&mut init.expr);
            names.iter().for_each(|name| self.define(name, Meaning::Other));
        }
        self.place.name.clear();
    }

    fn destructure(&mut self, pattern: &Pat, origin: Origin, stream: Edge, typed: bool) -> Vec<BindingId> {
        let mut binds = Vec::new();
        let mut one = |resolver: &mut Self, name: &Ident, stream: Edge| {
            let meaning = resolver.bind(name, origin, stream, typed);
            resolver.define(name, meaning);
            if let Meaning::Stream(id) = meaning {
                binds.push(id);
            }
        };
        match pattern {
            Pat::Ident(whole) => one(self, &whole.ident, stream),
            Pat::Tuple(tuple) => {
                for element in &tuple.elems {
                    match element {
                        Pat::Ident(part) => {
                            let output = Some(name_of(&part.ident));
                            one(self, &part.ident, Edge { output, ..stream.clone() });
                        }
                        other => bound(other).iter().for_each(|name| self.define(name, Meaning::Other)),
                    }
                }
            }
            other => bound(other).iter().for_each(|name| self.define(name, Meaning::Other)),
        }
        binds
    }

    /// Puts a stream aside and its placeholder where it stood.
    pub fn put_aside(&mut self, expr: &mut Expr, flow: Flow, handed: bool) -> usize {
        let number = self.graph.sites.len();
        let placeholder = format_ident!("{PLACEHOLDER}{number}", span = Span::mixed_site());
        *expr = Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path: placeholder.into() });
        self.graph.sites.push(Site { flow, handed, call: None, binds: Vec::new() });
        number
    }

    /// A chain works for the sink at its end, or else for the stream at its start.
    fn name_of_chain(&self, expr: &Expr) -> String {
        if let Expr::MethodCall(call) = expr
            && name_of(&call.method) == "to"
            && let Some(Expr::Path(sink)) = call.args.first()
            && let Some(ident) = sink.path.get_ident()
            && match self.meaning(ident) {
                Some(Meaning::Sink(_)) => true,
                // A sink of the caller's, which a stage has as a value.
                Some(Meaning::Other) => self.graph.stage.is_some(),
                _ => false,
            }
        {
            return name_of(ident);
        }
        let mut root = expr;
        loop {
            root = match root {
                Expr::MethodCall(call) => &call.receiver,
                Expr::Field(field) => &field.base,
                Expr::Paren(paren) => &paren.expr,
                Expr::Path(path) => return path.path.get_ident().map(name_of).unwrap_or_default(),
                _ => return String::new(),
            };
        }
    }

    /// The operator after which a statement leaves a stream lying, if it surely does.
    fn dangling(&self, site: usize) -> Option<Ident> {
        let mut flow = &self.graph.sites[site].flow;
        loop {
            flow = match flow {
                Flow::Paren(_, inner) => inner,
                Flow::Use { ident, .. } => return Some(ident.clone()),
                Flow::Operator { call, .. } => {
                    let known = known(&name_of(&call.method))?;
                    return (!known.kind.ends()).then(|| call.method.clone());
                }
                Flow::Call(..) | Flow::Unfinished(..) => return None,
            };
        }
    }

    fn origin(&self, flow: &Flow) -> Origin {
        match flow {
            Flow::Paren(_, inner) => self.origin(inner),
            Flow::Operator { node, .. } if self.graph.nodes[*node].operator.is_none() => Origin::Opaque,
            Flow::Call(..) | Flow::Unfinished(..) => Origin::Opaque,
            Flow::Use { .. } | Flow::Operator { .. } => Origin::Let,
        }
    }
}

/// The attributes of a statement that is an expression.
fn attributes(expr: &Expr) -> &[Attribute] {
    match expr {
        Expr::MethodCall(call) => &call.attrs,
        Expr::Call(call) => &call.attrs,
        Expr::Paren(paren) => &paren.attrs,
        Expr::Path(path) => &path.attrs,
        Expr::Field(field) => &field.attrs,
        _ => &[],
    }
}

/// An attribute by which a statement may not be compiled.
fn condition(attrs: &[Attribute]) -> Option<proc_macro2::TokenStream> {
    let is_condition = |attr: &&Attribute| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr");
    attrs.iter().find(is_condition).map(ToTokens::to_token_stream)
}
