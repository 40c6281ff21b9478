//! The part of `resolve` that goes through the statements of a body.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Expr, ExprTuple, Local, Macro, Pat, PatTuple, Stmt, Type, visit::Visit};

use super::{
    Meaning, Parts, Resolver,
    closures::is_of_the_language,
    foreign_syntax::foreign,
    scope::{bound, free_in},
};
use crate::{
    graph::{BindingId, Edge, Finding, Flow, Graph, Origin, Part, What},
    operators::known,
    parse::{
        condition as condition_of,
        partial_parse::{self, Chunk},
    },
    tokens::{for_each_name, has_marker, name_of, text},
};

impl Resolver {
    /// Takes the streams out of a run of statements; `ends` says whether the last is what a stage returns.
    pub fn chunk(&mut self, chunk: Chunk, ends: bool) -> Part {
        match chunk {
            Chunk::Whole(mut statements) => {
                self.assume(&mut statements);
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
                self.assume(&mut statements);
                statements.iter_mut().for_each(|statement| self.statement(statement));
                Part::Filled(statements, open)
            }
            Chunk::Broken(tokens) => {
                self.graph.incomplete = true;
                let said = foreign(&tokens).filter(|_| !has_marker(&tokens));
                // rustc would say in its own words that it cannot read this.
                let tokens = if said.is_some() { TokenStream::new() } else { tokens };
                self.graph.findings.extend(said.map(|(at, words)| Finding::Mistake(at, words)));
                if let Some(name) = partial_parse::broken_binding(&tokens) {
                    let node = self.add(What::Function, &name, name_of(&name), Vec::new());
                    let meaning = self.bind(&name, Origin::Opaque, self.edge(node), false);
                    self.define(&name, meaning);
                }
                Part::Broken(tokens)
            }
        }
    }

    /// Leaves out the statements under a condition of a port that does not hold here.
    fn assume(&self, statements: &mut Vec<Stmt>) {
        if self.assumed.is_empty() {
            return;
        }
        let known = |attr: &Attribute| {
            let text = condition_of(attr)?.to_string();
            self.assumed.iter().find(|(known, _)| *known == text).map(|(_, holds)| *holds)
        };
        statements.retain_mut(|statement| {
            let attrs = match statement {
                Stmt::Local(local) => Some(&mut local.attrs),
                Stmt::Expr(expr, _) => attributes_mut(expr),
                Stmt::Macro(call) => Some(&mut call.attrs),
                Stmt::Item(_) => None,
            };
            let Some(attrs) = attrs else { return true };
            let stays = attrs.iter().all(|attr| known(attr) != Some(false));
            attrs.retain(|attr| known(attr).is_none());
            stays
        });
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
                    self.note_unbound(expr);
                    self.rust(expr);
                }
                self.place.name.clear();
            }
            Stmt::Item(item) => {
                let said = self.in_an_item(item);
                self.graph.findings.extend(said.map(|(at, words)| Finding::Mistake(at, words)));
            }
            Stmt::Macro(call) => {
                let said = self.in_a_macro(&call.mac);
                self.graph.findings.extend(said.map(|(at, words)| Finding::Mistake(at, words)));
            }
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
        if let (Pat::Tuple(pattern), Expr::Tuple(tuple)) = (&local.pat, &mut *init.expr)
            && pattern.elems.len() == tuple.elems.len()
            && !pattern.elems.iter().any(|part| matches!(part, Pat::Rest(_)))
            && tuple.elems.iter().any(|part| self.is_stream(part))
        {
            self.graph.findings.extend(condition(&local.attrs).map(Finding::Conditional));
            self.several(pattern, tuple);
        } else if self.is_stream(&init.expr) {
            self.graph.findings.extend(condition(&local.attrs).map(Finding::Conditional));
            let (pattern, typed) = match &local.pat {
                Pat::Type(typed) => (&*typed.pat, true),
                pattern => (pattern, false),
            };
            let written = match &local.pat {
                Pat::Type(typed)
                    if is_of_the_language(&typed.ty) || matches!(*typed.ty, Type::ImplTrait(_)) =>
                {
                    Some(typed.ty.clone())
                }
                _ => None,
            };
            let site = self.take(&mut init.expr, false);
            let certain = self.is_certain(&self.graph.sites[site].flow);
            if let Some(ty) = written {
                self.typed_as_another(site, &ty);
            }
            let is_one = matches!(pattern, Pat::Ident(_)) && self.two(site);
            let stream = self.edge_of(&self.graph.sites[site].flow);
            let origin = self.origin(&self.graph.sites[site].flow);
            let binds = self.destructure(pattern, origin, stream, typed);
            binds.iter().for_each(|bind| self.graph.bindings[*bind].certain &= certain);
            if !is_one {
                self.failures(site, pattern, &binds);
            }
            self.graph.sites[site].binds = binds;
        } else {
            self.note_unbound(&init.expr);
            let plain = self.plain_call(&init.expr);
            self.rust(&mut init.expr);
            names.iter().for_each(|name| self.define(name, Meaning::Other));
            self.plain
                .extend(plain.iter().flat_map(|made| names.iter().map(|name| (name_of(name), made.clone()))));
        }
        self.place.name.clear();
    }

    /// A call in which nothing of the pipeline stands, such as that of a connector: no sink comes out of it.
    fn plain_call(&self, made: &Expr) -> Option<String> {
        let mut is_known = false;
        for_each_name(&made.to_token_stream(), &mut |name| is_known |= self.named(&name).is_some());
        (matches!(made, Expr::Call(_) | Expr::Lit(_)) && !is_known).then(|| text(made))
    }

    /// A tuple of names and one of what they stand for: a `let` for each, but that none sees another.
    fn several(&mut self, pattern: &PatTuple, tuple: &mut ExprTuple) {
        let mut meanings = Vec::new();
        for (part, expr) in pattern.elems.iter().zip(&mut tuple.elems) {
            let names = bound(part);
            self.place.name = names.iter().map(name_of).collect::<Vec<_>>().join("+");
            match part {
                Pat::Ident(name) if self.is_stream(expr) => {
                    let site = self.take(expr, false);
                    self.two(site);
                    let stream = self.edge_of(&self.graph.sites[site].flow);
                    let origin = self.origin(&self.graph.sites[site].flow);
                    let meaning = self.bind(&name.ident, origin, stream, false);
                    if let Meaning::Stream(id) = meaning {
                        self.graph.bindings[id].certain &= self.is_certain(&self.graph.sites[site].flow);
                        self.graph.sites[site].binds = vec![id];
                    }
                    meanings.push((name.ident.clone(), meaning));
                }
                _ => {
                    self.note_unbound(expr);
                    self.rust(expr);
                    meanings.extend(names.into_iter().map(|name| (name, Meaning::Other)));
                }
            }
        }
        for (name, meaning) in meanings {
            self.define(&name, meaning);
        }
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
            Pat::Ident(whole) if self.is_parts(&whole.ident, origin) => {
                let level = self.place.level();
                self.parts.push(Parts { stream, level, fields: HashMap::new() });
                self.define(&whole.ident, Meaning::Parts(self.parts.len() - 1));
            }
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
            // The streams of a value of the user's, by the names of its fields.
            Pat::Struct(_) | Pat::TupleStruct(_) if origin == Origin::Opaque => {
                for name in bound(pattern) {
                    let output = Some(name_of(&name));
                    one(self, &name, Edge { output, ..stream.clone() });
                }
            }
            other => bound(other).iter().for_each(|name| self.define(name, Meaning::Other)),
        }
        binds
    }

    /// Whether a name stands for a value with streams in its fields.
    fn is_parts(&self, name: &Ident, origin: Origin) -> bool {
        origin == Origin::Opaque && self.surroundings.with_fields.contains(&name_of(name))
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
                Flow::Part { field, .. } => {
                    return field.member.to_token_stream().into_iter().find_map(|token| match token {
                        TokenTree::Ident(name) => Some(name),
                        _ => None,
                    });
                }
                Flow::Call(..) | Flow::Rust(..) | Flow::Sink(_) | Flow::Unfinished(..) => return None,
            };
        }
    }

    fn origin(&self, flow: &Flow) -> Origin {
        match flow {
            Flow::Paren(_, inner) => self.origin(inner),
            Flow::Operator { node, .. } if self.graph.nodes[*node].operator.is_none() => Origin::Opaque,
            Flow::Call(..) | Flow::Rust(..) | Flow::Sink(_) | Flow::Unfinished(..) => Origin::Opaque,
            Flow::Use { .. } | Flow::Part { .. } | Flow::Operator { .. } => Origin::Let,
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

fn attributes_mut(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    match expr {
        Expr::MethodCall(call) => Some(&mut call.attrs),
        Expr::Call(call) => Some(&mut call.attrs),
        Expr::Paren(paren) => Some(&mut paren.attrs),
        Expr::Path(path) => Some(&mut path.attrs),
        Expr::Field(field) => Some(&mut field.attrs),
        Expr::If(branch) => Some(&mut branch.attrs),
        Expr::Block(block) => Some(&mut block.attrs),
        _ => None,
    }
}

/// An attribute by which a statement may not be compiled.
fn condition(attrs: &[Attribute]) -> Option<proc_macro2::TokenStream> {
    let is_condition = |attr: &&Attribute| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr");
    attrs.iter().find(is_condition).map(ToTokens::to_token_stream)
}
