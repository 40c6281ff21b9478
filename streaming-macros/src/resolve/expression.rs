//! The part of `resolve` that works on expressions: tells streams from other values, and takes them apart.

use std::ops::Range;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, ExprAsync, ExprCall, ExprClosure, ExprReturn, Item, Member,
    visit::Visit,
    visit_mut::{self, VisitMut},
};

use super::{Meaning, Resolver, scope::all_free};
use crate::{
    graph::{Edge, Finding, Flow, Origin, What},
    tokens::{name_of, text_without_streams},
};

impl Resolver {
    /// Whether an expression is a stream: a name of one, a chain on one, or a function of one.
    pub fn is_stream(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|ident| matches!(self.meaning(ident), Some(Meaning::Stream(_)))),
            Expr::Paren(paren) => self.is_stream(&paren.expr),
            Expr::MethodCall(call) => self.is_stream(&call.receiver),
            Expr::Field(field) => matches!(field.member, Member::Named(_)) && self.is_stream(&field.base),
            Expr::Call(call) => {
                function(call).is_some() && call.args.iter().any(|argument| self.is_stream(argument))
            }
            _ => false,
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
            Flow::Operator { node, .. } | Flow::Call(_, node) | Flow::Unfinished(_, _, node) => {
                self.edge(*node)
            }
            Flow::Paren(_, inner) => self.edge_of(inner),
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
            Expr::Field(mut field) => {
                self.graph.incomplete = true;
                let base = std::mem::replace(&mut *field.base, Expr::PLACEHOLDER);
                let from = self.flow(base);
                let Member::Named(name) = &field.member else { unreachable!("`is_stream` was asked first") };
                // After a bare `.` at the end of a line, the next line's first name seems to be a field.
                self.used(name);
                let node = self.operator(What::Function, name, vec![self.edge_of(&from)]);
                Flow::Unfinished(Box::new(from), field, node)
            }
            Expr::Call(mut call) => {
                let name = function(&call).expect("only a named function makes a stream");
                let streams = call.args.iter_mut().filter_map(|argument| self.argument(argument, true));
                let (inputs, sites): (_, Vec<usize>) = streams.unzip();
                let node = self.operator(What::Function, &name, inputs);
                self.handed_to(node, sites);
                self.graph.nodes[node].path = self.stage_path(&call);
                self.graph.nodes[node].text = text_without_streams(&call);
                Flow::Call(call, node)
            }
            _ => unreachable!("`is_stream` was asked first"),
        }
    }

    /// Counts a use of a stream; the loops further in than the stream in which the use stands.
    pub fn used(&mut self, ident: &Ident) -> Range<usize> {
        let level = self.place.level();
        let Some(Meaning::Stream(binding)) = self.meaning(ident) else { return level..level };
        let binding = &mut self.graph.bindings[binding];
        let enters = binding.level..level;
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
        if let Expr::Closure(_) = expr {
            if let Some(ident) = self.0.mentioned(expr) {
                self.0.graph.findings.push(Finding::InClosure(ident));
            }
            return;
        }
        if let Expr::Assign(assign) = expr
            && let Expr::Path(path) = &*assign.left
            && let Some(name) = path.path.get_ident().cloned()
            && self.0.is_stream(&assign.right)
        {
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
                }
            }
            None => visit_mut::visit_expr_mut(self, expr),
        }
    }
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
fn function(call: &ExprCall) -> Option<Ident> {
    let Expr::Path(path) = &*call.func else { return None };
    let name = &path.path.segments.last()?.ident;
    let is_constructor = name_of(name).starts_with(char::is_uppercase);
    (!is_constructor).then(|| name.clone())
}
