//! The part of `resolve` that looks at calls: of operators, and of functions that are given streams.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{Expr, ExprCall, ExprClosure, ExprMethodCall, Lit, Pat, Stmt, Token, punctuated::Punctuated};

use super::{
    Meaning, Resolver,
    call_shape::{of_nothing, unlike, waits},
    expression::function,
    scope::bound,
};
use crate::{
    durations::Length,
    graph::{BindingId, Edge, Finding, Flow, NodeId, Origin, What},
    operators::{Operator, Syntax, known, repeats},
    tokens::{name_of, scope_name, text, text_without_streams},
};

impl Resolver {
    /// Takes the call of an operator on a stream apart.
    pub fn operator_call(&mut self, mut call: ExprMethodCall) -> Flow {
        let receiver = std::mem::replace(&mut *call.receiver, Expr::PLACEHOLDER);
        let from = if self.is_stream(&receiver) { self.flow(receiver) } else { self.sent(receiver) };
        let operator = known(&name_of(&call.method));
        self.look_at(&from, &call, operator.as_ref());
        let edge = self.edge_of(&from);
        let mut inputs = vec![edge.clone()];
        let syntax = operator.map(|operator| operator.syntax);
        let to_sink = syntax == Some(Syntax::Sink) && self.sink(&call, &edge);
        if syntax == Some(Syntax::Loop)
            && let Some(Expr::Closure(body)) = call.args.last_mut()
        {
            let node = self.operator(What::Operator, &call.method, inputs);
            self.graph.nodes[node].text = text_without_streams(&call.method);
            self.graph.nodes[node].feedback = self.loop_body(body, node);
            return Flow::Operator { from: Box::new(from), call: Box::new(call), node, to_sink: false };
        }
        let handed = operator.is_none();
        let mut given = Vec::new();
        // The argument of a sink was looked at already: a stream there is a mistake, not a reader.
        if syntax != Some(Syntax::Sink) {
            self.unbound_arguments(&call, operator.as_ref());
            let streams = call.args.iter_mut().filter_map(|argument| self.argument(argument, handed));
            let (others, sites): (Vec<Edge>, Vec<usize>) = streams.unzip();
            inputs.extend(others);
            given = sites;
        }
        let node = self.operator(What::Operator, &call.method, inputs);
        self.graph.nodes[node].text = text_without_streams(&call);
        if handed {
            self.handed_to(node, given);
            self.sinks_given(&mut call.args, node);
        }
        match syntax {
            Some(Syntax::Window) => self.window(&call, node),
            Some(Syntax::Union) => self.slides(&call, node),
            _ => {}
        }
        Flow::Operator { from: Box::new(from), call: Box::new(call), node, to_sink }
    }

    /// A function of the user's that is given a stream.
    pub fn function_call(&mut self, mut call: ExprCall) -> Flow {
        let name = function(&call).expect("only a named function makes a stream");
        if let Expr::Path(path) = &*call.func
            && path.path.get_ident().is_some()
            && self.meaning(&name).is_some()
            && self.surroundings.closures.contains(&name_of(&name))
        {
            self.graph.findings.push(Finding::ToClosure(name.clone()));
        }
        call.args.iter().for_each(|argument| self.unbound_argument(argument));
        let streams = call.args.iter_mut().filter_map(|argument| self.argument(argument, true));
        let (inputs, sites): (_, Vec<usize>) = streams.unzip();
        let node = self.operator(What::Function, &name, inputs);
        self.handed_to(node, sites);
        self.graph.nodes[node].path = self.stage_path(&call);
        self.graph.nodes[node].text = text_without_streams(&call);
        self.sinks_given(&mut call.args, node);
        Flow::Call(call, node)
    }

    /// The sinks that are handed to code of which nothing is known: whether it takes them or borrows them is rustc's to find.
    fn sinks_given(&mut self, arguments: &mut Punctuated<Expr, Token![,]>, node: NodeId) {
        for argument in arguments {
            let is_plain = !matches!(argument, Expr::Reference(_));
            let Some((ident, sink)) = self.sink_named(borrowed(argument)) else { continue };
            let ident = ident.clone();
            let stream = self.edge(node);
            self.graph.nodes[sink].inputs.push(stream);
            if is_plain {
                self.put_aside(argument, Flow::Sink(ident), false);
            }
        }
    }

    /// The sink that an expression is the name of.
    pub fn sink_named<'a>(&self, expr: &'a Expr) -> Option<(&'a Ident, NodeId)> {
        let Expr::Path(path) = expr else { return None };
        let ident = path.path.get_ident()?;
        match self.meaning(ident)? {
            Meaning::Sink(node) => Some((ident, node)),
            _ => None,
        }
    }

    /// Whether a call sends what stands before it to a sink of the header, whatever that is.
    pub fn is_sent(&self, call: &ExprMethodCall) -> bool {
        if !known(&name_of(&call.method)).is_some_and(|operator| operator.is_sink()) {
            return false;
        }
        call.args.len() == 1
            && call.args.first().is_some_and(|sink| self.sink_named(borrowed(sink)).is_some())
    }

    /// Rust in which no stream is seen, and which is sent to a sink.
    fn sent(&mut self, mut expr: Expr) -> Flow {
        self.note_unbound(&expr);
        let before = self.graph.sites.len();
        self.rust(&mut expr);
        let streams = self.graph.sites[before..].iter().filter(|site| !matches!(site.flow, Flow::Sink(_)));
        let inputs = streams.map(|site| self.edge_of(&site.flow)).collect();
        let name = last_name(&expr).unwrap_or_else(|| Ident::new("rust", Span::call_site()));
        let node = self.operator(What::Function, &name, inputs);
        self.graph.nodes[node].text = text_without_streams(&expr);
        Flow::Rust(Box::new(expr), node)
    }

    /// Notes the names among the arguments of an operator that should be streams and are nothing.
    fn unbound_arguments(&mut self, call: &ExprMethodCall, operator: Option<&Operator>) {
        if operator.is_none_or(|operator| !operator.takes_functions()) {
            call.args.iter().for_each(|argument| self.unbound_argument(argument));
        }
    }

    fn unbound_argument(&mut self, argument: &Expr) {
        match argument {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    self.unbound(name);
                }
            }
            argument => self.note_unbound(argument),
        }
    }

    /// Notes that the name at the start of a chain is nothing.
    pub fn note_unbound(&mut self, expr: &Expr) {
        let mut root = expr;
        loop {
            root = match root {
                Expr::MethodCall(call) => &call.receiver,
                Expr::Field(field) => &field.base,
                Expr::Paren(paren) => &paren.expr,
                Expr::Try(tried) => &tried.expr,
                Expr::Await(awaited) => &awaited.base,
                Expr::Reference(reference) => &reference.expr,
                _ => break,
            };
        }
        if let Expr::Path(path) = root
            && let Some(name) = path.path.get_ident()
        {
            self.unbound(name);
        }
    }

    /// Notes that a name is nothing here, if it is none of a function, a constant, or what a macro gave.
    fn unbound(&mut self, ident: &Ident) {
        let name = name_of(ident);
        let is_variable = name.starts_with(|c: char| c.is_lowercase() || c == '_') && name != "self";
        if !is_variable || self.named(&name).is_some() || self.surroundings.items.contains(&name) {
            return;
        }
        if self.surroundings.lets.contains(&name) {
            self.graph.findings.push(Finding::Early(ident.clone()));
        }
        self.graph.unbound = true;
    }

    /// Notes what is to be said about a call by itself and by what stands before it.
    fn look_at(&mut self, from: &Flow, call: &ExprMethodCall, operator: Option<&Operator>) {
        // What follows an operator that no loop can repeat has no place there either, and goes where that goes.
        let follows = operator_of(from).is_some_and(|before| !repeats(&name_of(before)));
        let is_repeated = operator.is_none_or(|operator| operator.repeats);
        let findings = &mut self.graph.findings;
        if self.place.inside.is_some() && !is_repeated && !follows {
            findings.push(Finding::NotInLoop(call.method.clone()));
        }
        findings.extend(two(from));
        if let Some(end) = end_of(from) {
            findings.push(Finding::After(call.method.clone(), end.clone()));
        }
        let Some(operator) = operator else { return };
        if let Some(right) = unlike(operator, call) {
            findings.push(Finding::Shape(call.method.clone(), right));
        }
        if let Some(at) = waits(call) {
            findings.push(Finding::Waits(call.method.clone(), at));
        }
        if let Some((number, why)) = of_nothing(operator, call) {
            findings.push(Finding::Nothing(number, why));
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
        let can_fail = |name: &&Ident| known(&name_of(name)).is_some_and(|operator| operator.fails);
        let Some(operator) = operator.filter(can_fail).cloned() else { return };
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

    /// Notes the call that streams are handed to.
    pub fn handed_to(&mut self, call: NodeId, sites: Vec<usize>) {
        sites.into_iter().for_each(|site| self.graph.sites[site].call = Some(call));
    }

    /// The path of a function that may be a stage: an item, and not something that a `let` or the header names.
    pub fn stage_path(&self, call: &ExprCall) -> Option<syn::Path> {
        let Expr::Path(path) = &*call.func else { return None };
        let is_local = path.path.get_ident().is_some_and(|name| self.meaning(name).is_some());
        let is_in_a_type = path.qself.is_some()
            || path.path.segments.iter().any(|part| name_of(&part.ident).starts_with(char::is_uppercase));
        let mut path = path.path.clone();
        path.segments.iter_mut().for_each(|part| part.arguments = syn::PathArguments::None);
        (!is_local && !is_in_a_type).then_some(path)
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
        if let Some(second) = call.args.iter().nth(1)
            && let (Some((first, _)), Some((second, _))) = (self.sink_named(target), self.sink_named(second))
        {
            self.graph.findings.push(Finding::TwoSinks(first.clone(), second.clone()));
            return false;
        }
        let is_of_self = |base: &Expr| matches!(base, Expr::Path(path) if path.path.is_ident("self"));
        if matches!(target, Expr::Lit(_)) || matches!(target, Expr::Field(field) if is_of_self(&field.base)) {
            self.graph.findings.push(Finding::NoName(target.to_token_stream()));
            return false;
        }
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
        if let Some(number) = call.args.iter().find(|argument| is_number(argument)) {
            let right: Vec<String> =
                call.args
                    .iter()
                    .map(|argument| {
                        if is_number(argument) { format!("secs({})", text(argument)) } else { text(argument) }
                    })
                    .collect();
            let right = format!("{}({})", call.method, right.join(", "));
            self.graph.findings.push(Finding::Numbers(number.clone(), right));
        }
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
}

/// Whether a whole number is written there.
fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(literal) if matches!(literal.lit, Lit::Int(_)))
}

/// What is borrowed, if something is.
fn borrowed(expr: &Expr) -> &Expr {
    match expr {
        Expr::Reference(reference) => &reference.expr,
        expr => expr,
    }
}

/// The name by which a person would speak of an expression.
fn last_name(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::MethodCall(call) => Some(call.method.clone()),
        Expr::Call(call) => last_name(&call.func),
        Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.clone()),
        Expr::Field(field) => last_name(&field.base),
        Expr::Index(index) => last_name(&index.expr),
        Expr::Paren(paren) => last_name(&paren.expr),
        Expr::Try(tried) => last_name(&tried.expr),
        _ => None,
    }
}

/// The operator that has ended a stream. One that was given what it does not take is reported itself.
fn end_of(flow: &Flow) -> Option<&Ident> {
    let call = call_of(flow)?;
    let operator = known(&name_of(&call.method)).filter(Operator::ends)?;
    unlike(&operator, call).is_none().then_some(&call.method)
}

/// What is to be said where a flow is taken for one stream, if it is two.
fn two(flow: &Flow) -> Option<Finding> {
    let operator = operator_of(flow)?;
    known(&name_of(operator))?.two.map(|names| Finding::Two(operator.clone(), names))
}

/// The operator that a stream comes right out of, if it is not known by a name.
fn operator_of(flow: &Flow) -> Option<&Ident> {
    Some(&call_of(flow)?.method)
}

/// The call of that operator.
fn call_of(flow: &Flow) -> Option<&ExprMethodCall> {
    match flow {
        Flow::Operator { call, .. } => Some(call),
        Flow::Paren(_, inner) => call_of(inner),
        Flow::Use { .. }
        | Flow::Part { .. }
        | Flow::Rust(..)
        | Flow::Sink(_)
        | Flow::Call(..)
        | Flow::Unfinished(..) => None,
    }
}
