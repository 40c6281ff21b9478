//! The part of `resolve` that looks at calls: of operators, and of functions that are given streams.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Expr, ExprCall, ExprClosure, ExprMethodCall, Pat, Stmt};

use super::{
    Meaning, Resolver,
    call_shape::{of_nothing, unlike, written},
    closures::{Said, mistake},
    expression::function,
    scope::bound,
    waits::waits,
};
use crate::{
    durations::no_length,
    graph::{BindingId, Edge, Finding, Flow, NodeId, Origin, What},
    operators::{Makes, Operator, Syntax, known, repeats},
    tokens::{name_of, scope_name, text_without_streams},
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
        if self.place.inside.is_some() && !is_repeated && !follows {
            self.graph.findings.push(Finding::NotInLoop(call.method.clone()));
        }
        self.graph.findings.extend(two(from));
        if let Some(end) = end_of(from) {
            let said = self.sent_twice(from, call).map(|(at, words)| Finding::Mistake(at, words));
            self.graph
                .findings
                .push(said.unwrap_or_else(|| Finding::After(call.method.clone(), end.clone())));
        }
        let Some(operator) = operator else {
            let sink = call.args.first().and_then(|sink| self.sink_named(sink));
            if let (Some((sink, _)), true) = (sink, call.method == "into" || call.method == "try_into") {
                let words = format!("a stream is sent to a sink by its operator: write `.to({sink})`");
                self.graph.findings.push(Finding::Mistake(call.method.to_token_stream(), words));
            }
            return;
        };
        let is_certain = self.is_certain(from);
        let part = call.args.first().filter(|_| operator.name.starts_with("aggregate")).and_then(of_a_part);
        if let Some((at, words)) = part.filter(|_| is_certain) {
            self.graph.findings.push(Finding::Mistake(at, words));
        } else if let Some(words) = unlike(operator, call, is_certain) {
            self.graph.findings.push(Finding::Shape(call.method.clone(), words));
        } else if is_certain {
            let said = self.arguments(operator, call).map(|(at, words)| Finding::Mistake(at, words));
            let closures = || call.args.iter().filter(|argument| matches!(argument, Expr::Closure(_)));
            let outside = || closures().find_map(|closure| self.outside(closure));
            let said = said.or_else(|| outside().map(|(at, words)| Finding::Outside(at, words)));
            self.graph.findings.extend(said);
        }
        if let Some(at) = waits(call) {
            self.graph.findings.push(Finding::Waits(call.method.clone(), at));
        }
        if let Some((number, why)) = of_nothing(operator, call) {
            self.graph.findings.push(Finding::Nothing(number, why));
        }
    }

    /// The first thing to be said of the arguments of an operator that has as many as it takes.
    fn arguments(&self, operator: &Operator, call: &ExprMethodCall) -> Option<Said> {
        let name = operator.name;
        if matches!(operator.makes, Makes::Join) || matches!(operator.syntax, Syntax::Union) {
            return call.args.first().and_then(|argument| self.no_stream(name, argument));
        }
        if name == "expire_after"
            && let Some(length) = call.args.first()
            && let Some(right) = no_length(length)
        {
            let words = format!("how long a key may be idle is a duration: write `.{name}({right})`");
            return Some((length.to_token_stream(), words));
        }
        if name.starts_with("map_with_state")
            && let Some(Expr::Call(how_long)) = call.args.first()
            && matches!(&*how_long.func, Expr::Path(path) if path.path.is_ident("unbounded"))
            && how_long.args.is_empty()
        {
            let words = "state that is never forgotten says why: write `unbounded(\"why\")`, or `idle_for(minutes(30))`";
            return Some((how_long.to_token_stream(), words.to_owned()));
        }
        let is_counted = operator.call.starts_with(|c: char| c.is_ascii_digit());
        if let (true, Some(Expr::Lit(number))) = (is_counted, call.args.first())
            && !matches!(number.lit, syn::Lit::Int(_))
        {
            let words = format!("`{name}` takes a whole number: write `.{name}({})`", operator.call);
            return Some((number.to_token_stream(), words));
        }
        if operator.syntax == Syntax::Loop {
            return call.args.last().and_then(|body| self.several_go_round(body));
        }
        let closures = || call.args.iter().filter(|argument| matches!(argument, Expr::Closure(_)));
        closures().find_map(|closure| self.sent_from_inside(closure)).or_else(|| mistake(operator, call))
    }

    /// A loop whose body ends in a tuple.
    fn several_go_round(&self, body: &Expr) -> Option<Said> {
        let Expr::Closure(closure) = body else { return None };
        let result = match &*closure.body {
            Expr::Block(block) => match block.block.stmts.last() {
                Some(Stmt::Expr(result, None)) => result,
                _ => return None,
            },
            result => result,
        };
        let Expr::Tuple(parts) = result else { return None };
        let words = format!(
            "what goes round in a loop is one stream: unite the two, `.union(..)`, or end in one of them and read the other outside, instead of `{}`",
            written(result)
        );
        Some((parts.to_token_stream(), words))
    }

    /// Whether something is a stream whatever the user's own code makes.
    pub fn is_certain(&self, flow: &Flow) -> bool {
        match flow {
            Flow::Use { binding, .. } => self.graph.bindings[*binding].certain,
            Flow::Operator { from, node, .. } => {
                self.graph.nodes[*node].operator.is_some() && self.is_certain(from)
            }
            Flow::Paren(_, inner) => self.is_certain(inner),
            Flow::Part { .. } | Flow::Rust(..) | Flow::Sink(_) | Flow::Call(..) | Flow::Unfinished(..) => {
                false
            }
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

/// An aggregate that is given the function of a part, `max(|value| ..)`.
fn of_a_part(argument: &Expr) -> Option<Said> {
    const NAMED: [&str; 7] = ["sum", "mean", "min", "max", "first", "last", "count_distinct"];
    match argument {
        Expr::Tuple(several) => several.elems.iter().find_map(of_a_part),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return None };
            let name = &path.path.segments.last()?.ident;
            let [Expr::Closure(part)] = call.args.iter().collect::<Vec<_>>()[..] else { return None };
            let words = format!(
                "an aggregate takes a part of each value by `.of(..)`: write `{name}().of({})`",
                written(&Expr::Closure(part.clone()))
            );
            NAMED.iter().any(|known| name == known).then(|| (call.to_token_stream(), words))
        }
        _ => None,
    }
}

/// The operator that has ended a stream. One that was given what it does not take is reported itself.
fn end_of(flow: &Flow) -> Option<&Ident> {
    let call = call_of(flow)?;
    let operator = known(&name_of(&call.method)).filter(Operator::ends)?;
    unlike(&operator, call, true).is_none().then_some(&call.method)
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
