//! The part of `resolve` that works on expressions: tells streams from other values, and takes them apart.

use std::ops::Range;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::{
    Expr, ExprAsync, ExprCall, ExprClosure, ExprField, ExprReturn, Item, Member, Token,
    punctuated::Punctuated,
    visit::Visit,
    visit_mut::{self, VisitMut},
};

use super::{Meaning, Parts, PartsId, Resolver, scope::all_free};
use crate::{
    graph::{BindingId, Edge, Finding, Flow, Origin, What},
    tokens::name_of,
};

impl Resolver {
    /// Whether an expression is a stream: a name of one, a chain on one, a function of one, or what is sent to a sink.
    pub fn is_stream(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|ident| matches!(self.meaning(ident), Some(Meaning::Stream(_)))),
            Expr::Paren(paren) => self.is_stream(&paren.expr),
            Expr::MethodCall(call) => self.is_stream(&call.receiver) || self.is_sent(call),
            Expr::Field(field) => {
                let is_unfinished = matches!(field.member, Member::Named(_)) && self.is_stream(&field.base);
                is_unfinished || self.parts_of(field).is_some()
            }
            Expr::Call(call) => {
                function(call).is_some() && call.args.iter().any(|argument| self.is_stream(argument))
            }
            _ => false,
        }
    }

    /// The value whose field that is, if it is one with streams in its fields, and the field's text.
    fn parts_of(&self, field: &ExprField) -> Option<(PartsId, String)> {
        let member = match &field.member {
            Member::Named(name) => name_of(name),
            Member::Unnamed(index) => index.index.to_string(),
        };
        match &*field.base {
            Expr::Path(path) => match self.meaning(path.path.get_ident()?)? {
                Meaning::Parts(parts) => Some((parts, member)),
                _ => None,
            },
            Expr::Field(base) => {
                let (parts, outer) = self.parts_of(base)?;
                Some((parts, format!("{outer}.{member}")))
            }
            _ => None,
        }
    }

    /// Takes a stream out of its place; `handed` to code of which nothing is known.
    pub fn take(&mut self, expr: &mut Expr, handed: bool) -> usize {
        let taken = std::mem::replace(expr, Expr::PLACEHOLDER);
        let flow = self.flow(taken);
        self.put_aside(expr, flow, handed)
    }

    /// What an expression that is a stream delivers.
    pub fn edge_of(&self, flow: &Flow) -> Edge {
        match flow {
            Flow::Use { binding, .. } => self.graph.bindings[*binding].stream.clone(),
            Flow::Part { binding, .. } => self.graph.bindings[*binding].stream.clone(),
            Flow::Operator { node, .. }
            | Flow::Call(_, node)
            | Flow::Rust(_, node)
            | Flow::Unfinished(_, _, node) => self.edge(*node),
            Flow::Paren(_, inner) => self.edge_of(inner),
            Flow::Sink(_) => unreachable!("a sink is no stream"),
        }
    }

    fn edge_at(&self, site: usize) -> Edge {
        self.edge_of(&self.graph.sites[site].flow)
    }

    /// Takes a stream apart.
    pub fn flow(&mut self, expr: Expr) -> Flow {
        match expr {
            Expr::Path(path) => {
                let ident = path.path.get_ident().expect("only a single name is a stream").clone();
                let Some(Meaning::Stream(binding)) = self.meaning(&ident) else {
                    unreachable!("`is_stream` was asked first")
                };
                let enters = self.used(&ident);
                Flow::Use { ident, binding, enters }
            }
            Expr::Paren(paren) => Flow::Paren(paren.paren_token, Box::new(self.flow(*paren.expr))),
            Expr::MethodCall(call) => self.operator_call(call),
            Expr::Field(field) => match self.parts_of(&field) {
                Some((parts, name)) => self.part(field, parts, name),
                None => self.unfinished(field),
            },
            Expr::Call(call) => self.function_call(call),
            rust => unreachable!("`is_stream` was asked first: {}", rust.to_token_stream()),
        }
    }

    /// A stream among others in a value.
    fn part(&mut self, field: ExprField, parts: PartsId, name: String) -> Flow {
        let Parts { stream, level, fields } = &self.parts[parts];
        let level = *level;
        let binding = match fields.get(&name) {
            Some(known) => *known,
            None => {
                let ident = field.member.to_token_stream().into_iter().find_map(|token| match token {
                    TokenTree::Ident(name) => Some(name),
                    _ => None,
                });
                let ident = ident.unwrap_or_else(|| format_ident!("_{}", name.replace('.', "_")));
                let stream = Edge { output: Some(name.clone()), ..stream.clone() };
                let Meaning::Stream(binding) = self.bind(&ident, Origin::Opaque, stream, false) else {
                    unreachable!("a binding is a stream")
                };
                self.graph.bindings[binding].level = level;
                self.parts[parts].fields.insert(name, binding);
                binding
            }
        };
        if let Member::Named(name) = &field.member {
            // After a bare `.` at the end of a line, the next line's first name seems to be a field.
            self.used(name);
        }
        let enters = self.used_binding(binding);
        Flow::Part { field, binding, enters }
    }

    /// What is still being typed.
    fn unfinished(&mut self, mut field: ExprField) -> Flow {
        self.graph.incomplete = true;
        let base = std::mem::replace(&mut *field.base, Expr::PLACEHOLDER);
        let from = self.flow(base);
        let Member::Named(name) = &field.member else { unreachable!("`is_stream` was asked first") };
        // As above.
        self.used(name);
        let node = self.operator(What::Function, name, vec![self.edge_of(&from)]);
        Flow::Unfinished(Box::new(from), field, node)
    }

    /// Counts a use of a stream; the loops further in than the stream in which the use stands.
    pub fn used(&mut self, ident: &Ident) -> Range<usize> {
        let level = self.place.level();
        let Some(Meaning::Stream(binding)) = self.meaning(ident) else { return level..level };
        self.used_binding(binding)
    }

    fn used_binding(&mut self, binding: BindingId) -> Range<usize> {
        let binding = &mut self.graph.bindings[binding];
        let enters = binding.level..self.place.level();
        binding.uses += 1;
        binding.enters |= !enters.is_empty();
        enters
    }

    /// Looks at an argument; its stream and where that is put aside, if it is one.
    pub fn argument(&mut self, argument: &mut Expr, handed: bool) -> Option<(Edge, usize)> {
        if self.is_stream(argument) {
            let site = self.take(argument, handed);
            if !handed {
                self.two(site);
            }
            return Some((self.edge_at(site), site));
        }
        self.rust(argument);
        None
    }

    /// Takes streams out of an expression that is none itself.
    pub fn rust(&mut self, expr: &mut Expr) {
        Taker(self).visit_expr_mut(expr);
    }

    /// Takes what is sent to a sink out of an expression that mentions no stream.
    fn sent_inside(&mut self, expr: &mut Expr) {
        if !all_free(expr, |name| matches!(self.named(name), Some(Meaning::Sink(_)))).is_empty() {
            Sent(self).visit_expr_mut(expr);
        }
    }

    /// The streams that an expression mentions, each counted as used: a rule about absence must not name
    /// them again.
    fn mentioned(&mut self, expr: &Expr) -> Option<Ident> {
        let mentioned = all_free(expr, |name| self.names_stream(name));
        for ident in &mentioned {
            self.used(ident);
        }
        mentioned.into_iter().next()
    }
}

struct Taker<'a>(&'a mut Resolver);

impl VisitMut for Taker<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if self.0.is_stream(expr) {
            self.0.take(expr, true);
            return;
        }
        if let Expr::Macro(list) = expr
            && list.mac.path.is_ident("vec")
            && let Ok(mut items) = list.mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)
            && items.iter().any(|item| self.0.is_stream(item))
        {
            items.iter_mut().for_each(|item| self.visit_expr_mut(item));
            list.mac.tokens = items.into_token_stream();
            return;
        }
        if let Expr::MethodCall(call) = expr
            && let Some((sink, _)) = self.0.sink_named(&call.receiver)
            && call.args.iter().any(|argument| self.0.is_stream(argument))
        {
            let sink = sink.clone();
            self.0.mentioned(expr);
            self.0.graph.findings.push(Finding::SinkFirst(sink));
            return;
        }
        if let Expr::Binary(pair) = expr
            && self.0.is_stream(&pair.left)
        {
            let sink = self.0.sink_named(&pair.right).map(|(sink, _)| sink.clone());
            if sink.is_some() || self.0.is_stream(&pair.right) {
                let at = pair.op.to_token_stream();
                self.0.mentioned(expr);
                self.0.graph.findings.push(Finding::Between(at, sink));
                return;
            }
        }
        if let Some((at, words)) = self.0.misuse(expr) {
            self.0.mentioned(expr);
            self.0.graph.findings.push(Finding::Mistake(at, words));
            return;
        }
        if let Expr::Closure(_) = expr {
            match self.0.mentioned(expr) {
                Some(ident) => self.0.graph.findings.push(Finding::InClosure(ident)),
                None => self.0.sent_inside(expr),
            }
            return;
        }
        if let Expr::Assign(assign) = expr
            && let Expr::Path(path) = &*assign.left
            && let Some(name) = path.path.get_ident().cloned()
            && self.0.is_stream(&assign.right)
        {
            if let Some(Meaning::Sink(_)) = self.0.meaning(&name) {
                self.0.take(&mut assign.right, false);
                self.0.graph.findings.push(Finding::SinkFirst(name));
                return;
            }
            let stream = self.0.take(&mut assign.right, false);
            // Later uses of the name mean this stream: the missing `let` is the only thing to report.
            let meaning = self.0.bind(&name, Origin::Opaque, self.0.edge_at(stream), false);
            self.0.define(&name, meaning);
            self.0.graph.findings.push(Finding::Assigned(name));
            return;
        }
        match control_flow(expr) {
            Some(keyword) => {
                if let Some(name) = self.0.mentioned(expr) {
                    let at = match expr {
                        Expr::Try(tried) => tried.question_token.to_token_stream(),
                        Expr::Await(awaited) => awaited.await_token.to_token_stream(),
                        _ => name.to_token_stream(),
                    };
                    self.0.graph.findings.push(Finding::InControlFlow { name, keyword, at });
                } else {
                    self.0.graph.findings.extend(left(expr).map(Finding::Leaves));
                    self.0.sent_inside(expr);
                }
            }
            None => visit_mut::visit_expr_mut(self, expr),
        }
    }
}

/// Finds what is sent to a sink in code in which no streams are seen.
struct Sent<'a>(&'a mut Resolver);

impl VisitMut for Sent<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::MethodCall(call) if self.0.is_sent(call) => {
                self.0.take(expr, false);
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The first `return` in an expression that leaves the body around it.
fn left(expr: &Expr) -> Option<TokenStream> {
    struct Returns(Option<TokenStream>);
    impl<'a> Visit<'a> for Returns {
        fn visit_expr_return(&mut self, leaves: &'a ExprReturn) {
            self.0.get_or_insert(leaves.return_token.to_token_stream());
        }
        // What leaves these leaves no further.
        fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}
        fn visit_expr_async(&mut self, _: &'a ExprAsync) {}
        fn visit_item(&mut self, _: &'a Item) {}
    }
    let mut returns = Returns(None);
    returns.visit_expr(expr);
    returns.0
}

/// The keyword of an expression that runs some of its parts, or none, or many times.
fn control_flow(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::If(_) => "if",
        Expr::Match(_) => "match",
        Expr::ForLoop(_) => "for",
        Expr::While(_) => "while",
        Expr::Loop(_) => "loop",
        Expr::Return(_) => "return",
        Expr::Try(_) => "?",
        Expr::Break(_) => "break",
        Expr::Async(_) => "async",
        Expr::Await(_) => ".await",
        Expr::Unsafe(_) => "unsafe",
        Expr::Block(_) => "{ .. }",
        _ => return None,
    })
}

/// The name of the function that is called. A variant or a struct is called as well, but holds its streams.
pub fn function(call: &ExprCall) -> Option<Ident> {
    let Expr::Path(path) = &*call.func else { return None };
    let name = &path.path.segments.last()?.ident;
    let is_constructor = name_of(name).starts_with(char::is_uppercase);
    (!is_constructor).then(|| name.clone())
}
