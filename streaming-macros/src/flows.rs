//! The part of `resolve` that works on expressions: tells streams from other values, and takes them apart.

use std::ops::Range;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, ExprAsync, ExprCall, ExprClosure, ExprMethodCall, ExprReturn, Item, Member, Pat, Stmt,
    visit::Visit,
    visit_mut::{self, VisitMut},
};

use crate::{
    graph::{BindingId, Edge, Finding, Flow, NodeId, Origin, What},
    lower::scope_name,
    operators::{known, repeats},
    resolve::{Meaning, PLACEHOLDER, Resolver},
    scope::{all_free, bound},
    shape::{can_fail, makes_two, of_nothing, unlike},
    time::Length,
    tolerant::name_of,
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
                self.graph.nodes[node].text = text_of(&call);
                Flow::Call(call, node)
            }
            _ => unreachable!("`is_stream` was asked first"),
        }
    }

    /// Notes that two streams stand at a place where one is meant; whether they do.
    pub fn two(&mut self, site: usize) -> bool {
        let found = two(&self.graph.sites[site].flow);
        let is_two = found.is_some();
        self.graph.findings.extend(found);
        is_two
    }

    /// Marks the name that a `let` gives to what fails, or notes that it gives none.
    pub fn failures(&mut self, site: usize, pattern: &Pat, binds: &[BindingId]) {
        let operator = operator_of(&self.graph.sites[site].flow);
        let Some(operator) = operator.filter(|operator| can_fail(&name_of(operator))).cloned() else {
            return;
        };
        let second = match pattern {
            Pat::Tuple(parts) => parts.elems.iter().nth(1),
            _ => None,
        };
        let named = second.and_then(|second| match second {
            Pat::Ident(name) => binds.iter().find(|id| self.graph.bindings[**id].name == name.ident),
            _ => None,
        });
        match named {
            Some(&failed) => self.graph.bindings[failed].failures = true,
            None => {
                let at = second.unwrap_or(pattern).to_token_stream();
                self.graph.findings.push(Finding::Unread(at, operator));
            }
        }
    }

    /// Counts a use of a stream; the loops further in than the stream in which the use stands.
    fn used(&mut self, ident: &Ident) -> Range<usize> {
        let level = self.place.level();
        let Some(Meaning::Stream(binding)) = self.meaning(ident) else { return level..level };
        let binding = &mut self.graph.bindings[binding];
        let enters = binding.level..level;
        binding.uses += 1;
        binding.enters |= !enters.is_empty();
        enters
    }

    fn operator_call(&mut self, mut call: ExprMethodCall) -> Flow {
        let receiver = std::mem::replace(&mut *call.receiver, Expr::PLACEHOLDER);
        let from = self.flow(receiver);
        let name = name_of(&call.method);
        let edge = self.edge_of(&from);
        let mut inputs = vec![edge.clone()];
        // What follows an operator that no loop can repeat has no place there either, and goes where that goes.
        let follows = operator_of(&from).is_some_and(|before| !repeats(&name_of(before)));
        if self.place.inside.is_some() && !repeats(&name) && !follows {
            self.graph.findings.push(Finding::NotInLoop(call.method.clone()));
        }
        self.graph.findings.extend(two(&from));
        if let Some(end) = end_of(&from) {
            self.graph.findings.push(Finding::After(call.method.clone(), end.clone()));
        }
        if let Some(right) = unlike(&name, &call) {
            self.graph.findings.push(Finding::Shape(call.method.clone(), right));
        }
        if let Some((number, why)) = of_nothing(&name, &call) {
            self.graph.findings.push(Finding::Nothing(number, why));
        }
        let to_sink = name == "to" && self.sink(&call, &edge);
        if matches!(&*name, "iterate" | "iterate_at_most" | "iterate_within")
            && let Some(Expr::Closure(body)) = call.args.last_mut()
        {
            let node = self.operator(What::Operator, &call.method, inputs);
            self.graph.nodes[node].text = text_of(&call.method);
            self.graph.nodes[node].feedback = self.loop_body(body, node);
            return Flow::Operator { from: Box::new(from), call: Box::new(call), node, to_sink: false };
        }
        let handed = known(&name).is_none();
        let mut given = Vec::new();
        // What stands in `to(..)` was looked at already: a stream there is a mistake, not a reader.
        if name != "to" {
            let streams = call.args.iter_mut().filter_map(|argument| self.argument(argument, handed));
            let (others, sites): (Vec<Edge>, Vec<usize>) = streams.unzip();
            inputs.extend(others);
            given = sites;
        }
        let node = self.operator(What::Operator, &call.method, inputs);
        self.graph.nodes[node].text = text_of(&call);
        if handed {
            self.handed_to(node, given);
        }
        if name == "window" {
            self.window(&call, node);
        }
        if name == "union" {
            self.slides(&call, node);
        }
        Flow::Operator { from: Box::new(from), call: Box::new(call), node, to_sink }
    }

    /// Notes the call that streams are handed to.
    fn handed_to(&mut self, call: NodeId, sites: Vec<usize>) {
        sites.into_iter().for_each(|site| self.graph.sites[site].call = Some(call));
    }

    /// The path of a function that may be a stage: an item, and not something that a `let` or the header names.
    fn stage_path(&self, call: &ExprCall) -> Option<syn::Path> {
        let Expr::Path(path) = &*call.func else { return None };
        let is_local = path.path.get_ident().is_some_and(|name| self.meaning(name).is_some());
        let is_in_a_type = path.qself.is_some()
            || path.path.segments.iter().any(|part| name_of(&part.ident).starts_with(char::is_uppercase));
        let mut path = path.path.clone();
        path.segments.iter_mut().for_each(|part| part.arguments = syn::PathArguments::None);
        (!is_local && !is_in_a_type).then_some(path)
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

    /// Notes what a `.to(..)` writes to; whether it is a sink by its plain name.
    fn sink(&mut self, call: &ExprMethodCall, stream: &Edge) -> bool {
        let (target, plain) = match call.args.first() {
            Some(Expr::Reference(reference)) => (&*reference.expr, false),
            Some(target) => (target, true),
            None => {
                self.graph.incomplete = true;
                return false;
            }
        };
        let Expr::Path(path) = target else { return false };
        let Some(ident) = path.path.get_ident() else { return false };
        match self.meaning(ident) {
            Some(Meaning::Sink(node)) => {
                if !self.graph.nodes[node].inputs.is_empty() {
                    self.graph.findings.push(Finding::SecondStream(call.method.clone(), node));
                }
                self.graph.nodes[node].inputs.push(stream.clone());
                plain
            }
            Some(Meaning::Other) => false,
            meaning => {
                if let Some(Meaning::Stream(_)) = meaning {
                    self.used(ident);
                }
                if !name_of(ident).is_empty() {
                    self.graph.findings.push(Finding::NotASink(ident.clone()));
                }
                false
            }
        }
    }

    /// Windows that are united as they are slide together.
    fn slides(&mut self, call: &ExprMethodCall, node: NodeId) {
        if self.graph.nodes[node].windowed
            && let [one, other] = &self.graph.nodes[node].inputs[..]
            && let (Some(one), Some(other)) =
                (self.graph.nodes[one.from].slide, self.graph.nodes[other.from].slide)
            && one != other
        {
            self.graph.findings.push(Finding::Slides(call.method.clone(), one, other));
        }
    }

    /// What a window is a multiple of, and what it makes the slide of its stream.
    fn window(&mut self, call: &ExprMethodCall, node: NodeId) {
        let slide = self.graph.nodes[node].slide;
        let read = |expr: &Expr| Length::read(expr).map(|length| (expr.clone(), length));
        if let Some(slide) = slide {
            let lengths = call.args.iter().filter_map(read).collect();
            self.graph.findings.push(Finding::Window { lengths, slide });
        }
        self.graph.nodes[node].windowed = true;
        if let Some(own) = call.args.iter().nth(1) {
            // A slide of nothing is reported above; what follows is measured by what was there before.
            self.graph.nodes[node].slide = Length::read(own)
                .map(|length| length.millis)
                .filter(|own| *own > 0 && slide.is_none_or(|slide| own.is_multiple_of(slide)));
        }
    }

    /// The body of a loop is a pipeline of its own: its streams live in the loop's scope.
    fn loop_body(&mut self, body: &mut ExprClosure, node: NodeId) -> Option<Edge> {
        let outside = self.place.clone();
        self.place.loops.extend([std::mem::take(&mut self.place.name), "loop".to_owned()]);
        self.place.inside = Some(node);
        self.names.push(Default::default());
        for input in &body.inputs {
            match input {
                Pat::Ident(whole) => {
                    let meaning = self.bind(&whole.ident, Origin::Loop, self.edge(node), false);
                    self.define(&whole.ident, meaning);
                }
                other => bound(other).iter().for_each(|name| self.define(name, Meaning::Other)),
            }
        }
        let scope = scope_name(self.place.level() - 1);
        body.inputs.insert(0, syn::parse_quote!(#scope));
        let result = match &mut *body.body {
            Expr::Block(block) => {
                let (result, before) = match block.block.stmts.split_last_mut() {
                    Some((Stmt::Expr(result, None), before)) => (Some(result), before),
                    _ => (None, &mut block.block.stmts[..]),
                };
                before.iter_mut().for_each(|statement| self.statement(statement));
                result
            }
            result => Some(result),
        };
        // What goes round is a plain stream, whatever chain ends the body.
        let feedback = result.and_then(|result| self.argument(result, true)).map(|(stream, _)| stream);
        self.names.pop();
        self.place = outside;
        feedback
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

/// How a call is written, without blanks, and without the streams in it.
fn text_of(call: &impl ToTokens) -> String {
    let words = call.to_token_stream().to_string();
    words.split_whitespace().filter(|word| !word.starts_with(PLACEHOLDER)).collect()
}

/// The operator that has ended a stream. One that was given what it does not take is reported itself.
fn end_of(flow: &Flow) -> Option<&Ident> {
    match flow {
        Flow::Operator { call, .. } => {
            let name = name_of(&call.method);
            let ends = known(&name).is_some_and(|operator| operator.kind.ends());
            (ends && unlike(&name, call).is_none()).then_some(&call.method)
        }
        Flow::Paren(_, inner) => end_of(inner),
        Flow::Use { .. } | Flow::Call(..) | Flow::Unfinished(..) => None,
    }
}

/// What is to be said where a flow is taken for one stream, if it is two.
fn two(flow: &Flow) -> Option<Finding> {
    let operator = operator_of(flow)?;
    makes_two(&name_of(operator)).map(|names| Finding::Two(operator.clone(), names))
}

/// The operator that a stream comes right out of, if it is not known by a name.
fn operator_of(flow: &Flow) -> Option<&Ident> {
    match flow {
        Flow::Operator { call, .. } => Some(&call.method),
        Flow::Paren(_, inner) => operator_of(inner),
        Flow::Use { .. } | Flow::Call(..) | Flow::Unfinished(..) => None,
    }
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
