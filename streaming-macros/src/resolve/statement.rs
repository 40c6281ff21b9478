//! The part of `resolve` that goes through the statements of a body.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Expr, Local, Macro, Pat, Stmt, visit::Visit};

use super::{
    Meaning, Resolver,
    scope::{bound, free_in},
};
use crate::{
    graph::{BindingId, Edge, Finding, Flow, Graph, Origin, Part, What},
    operators::known,
    parse::partial_parse::{self, Chunk},
    tokens::{for_each_name, has_marker, name_of},
};

impl Resolver {
    /// Takes the streams out of a run of statements; `ends` says whether the last is what a stage returns.
    pub fn chunk(&mut self, chunk: Chunk, ends: bool) -> Part {
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
                if let Some(name) = partial_parse::broken_binding(&tokens) {
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
                for_each_name(&call.tokens, &mut |name| self.0.unseen.extend([name]));
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

    /// The last line of a stage.
    fn returned(&mut self, last: &mut Stmt) {
        if let Stmt::Expr(result, None) = last {
            let before = self.graph.sites.len();
            let results = self.results(result);
            if results.is_empty()
                && self.graph.sites.len() == before
                && !has_marker(&result.to_token_stream())
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

    /// A chain works for the sink at its end, or else for the stream at its start.
    fn name_of_chain(&self, expr: &Expr) -> String {
        if let Expr::MethodCall(call) = expr
            && known(&name_of(&call.method)).is_some_and(|operator| operator.is_sink())
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
                    return (!known.ends()).then(|| call.method.clone());
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
