//! The part of `resolve` that looks at sinks: what is sent to them, and what else is tried with them.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{Expr, ExprMethodCall, Lit, Token, punctuated::Punctuated};

use super::{Meaning, Resolver, call_shape::written, closures::Said, scope::all_free};
use crate::{
    graph::{Edge, Finding, Flow, NodeId, What},
    operators::known,
    tokens::{for_each_name, name_of, text_without_streams},
};

impl Resolver {
    /// The sinks that are handed to code of which nothing is known: whether it takes them or borrows them is rustc's to find.
    pub fn sinks_given(&mut self, arguments: &mut Punctuated<Expr, Token![,]>, node: NodeId) {
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
    pub fn sent(&mut self, mut expr: Expr) -> Flow {
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

    /// Notes what a `.to(..)` writes to; whether it is a sink by its plain name.
    pub fn sink(&mut self, call: &ExprMethodCall, stream: &Edge) -> bool {
        let (target, plain) = match call.args.first() {
            Some(Expr::Reference(reference)) => (&*reference.expr, false),
            Some(target) => (target, true),
            None => {
                if !self.graph.incomplete {
                    let words =
                        format!("`{}` takes a sink of the header: {}", call.method, self.graph.sinks());
                    self.graph.findings.push(Finding::Mistake(call.method.to_token_stream(), words));
                }
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
        if let Some(Expr::Reference(reference)) = call.args.first()
            && let (Some(_), Some((sink, node))) = (&reference.mutability, self.sink_named(&reference.expr))
        {
            let words = format!("a sink is given by its name: write `.to({sink})`");
            self.graph.findings.push(Finding::Mistake(reference.to_token_stream(), words));
            self.graph.nodes[node].inputs.push(stream.clone());
            return false;
        }
        if let Some((first, second)) = self.two_sinks(target) {
            self.graph.findings.push(Finding::TwoSinks(first, second));
            return false;
        }
        if let Some(words) = self.no_sink(target) {
            self.graph.findings.push(Finding::Mistake(target.to_token_stream(), words));
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

    /// Two sinks as one argument.
    fn two_sinks(&self, target: &Expr) -> Option<(Ident, Ident)> {
        let parts = match target {
            Expr::Tuple(tuple) => &tuple.elems,
            Expr::Array(array) => &array.elems,
            _ => return None,
        };
        let mut sinks = parts.iter().filter_map(|part| self.sink_named(borrowed(part)));
        Some((sinks.next()?.0.clone(), sinks.next()?.0.clone()))
    }

    /// What is to be said of something that is sent to and can be no sink, whatever its type is: sinks come from the header, so
    /// where no name of the pipeline stands there is none.
    fn no_sink(&self, target: &Expr) -> Option<String> {
        let names: Vec<&str> = self
            .graph
            .nodes
            .iter()
            .filter(|node| matches!(node.what, What::Sink(_)))
            .map(|node| node.name.as_str())
            .collect();
        let sink = names.first().copied().unwrap_or("out");
        let named = match names.is_empty() {
            true => format!("declare `{sink}: Sink<T>` in the `<>` of the header and write `.to({sink})`"),
            false => self.graph.sinks(),
        };
        let said = |connector: &str| {
            format!(
                "a sink is named as it is in the header: {named}; which connector it is, is said at the start, as `{sink}: {connector}`, and a port is declared as `{sink}: Sink<T>`"
            )
        };
        match target {
            Expr::Lit(literal) => Some(said(match &literal.lit {
                Lit::Str(path) if path.value().contains(['.', '/']) => "text_files(\"prefix\")",
                _ => "console()",
            })),
            Expr::Field(field) if matches!(&*field.base, Expr::Path(path) if path.path.is_ident("self")) => {
                Some(said("console()"))
            }
            Expr::Path(path) => {
                let made = self.plain.get(&name_of(path.path.get_ident()?))?;
                matches!(self.meaning(path.path.get_ident()?), Some(Meaning::Other))
                    .then(|| said(connector(made)))
            }
            Expr::Macro(made)
                if !["println", "print", "format"].iter().any(|name| made.mac.path.is_ident(name)) =>
            {
                None
            }
            Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Macro(_)
            | Expr::Struct(_)
            | Expr::Array(_)
            | Expr::Tuple(_) => {
                let mut is_known = false;
                for_each_name(&target.to_token_stream(), &mut |name| is_known |= self.named(&name).is_some());
                let written = written(target);
                (!is_known).then(|| said(connector(&written)))
            }
            _ => None,
        }
    }

    /// What is to be said of a closure of an operator in which a sink is named.
    pub fn sent_from_inside(&self, closure: &Expr) -> Option<Said> {
        let sinks = all_free(closure, |name| matches!(self.named(name), Some(Meaning::Sink(_))));
        let sink = sinks.first()?;
        let words = format!(
            "a sink takes a stream, whole, and nothing from a closure that sees its records: write `.to({sink})` behind the operators"
        );
        Some((sink.to_token_stream(), words))
    }

    /// What is to be said of a call behind one that sent the stream to a sink.
    pub fn sent_twice(&self, from: &Flow, call: &ExprMethodCall) -> Option<Said> {
        let Flow::Operator { from, call: first, .. } = from else { return None };
        let (first, _) = self.sink_named(borrowed(first.args.first()?))?;
        let (second, _) = self.sink_named(borrowed(call.args.first()?))?;
        if !known(&name_of(&call.method))?.is_sink() {
            return None;
        }
        let words = match &**from {
            Flow::Use { ident, .. } => {
                format!(
                    "a stream is sent to one sink at a time: write `{ident}.to({first});` and `{ident}.to({second});`"
                )
            }
            _ => format!(
                "a stream is sent to one sink at a time: give it a name, `let name = ..;`, and write `name.to({first});` and `name.to({second});`"
            ),
        };
        Some((call.method.to_token_stream(), words))
    }
}

/// The connector that is meant by something that was to be a sink.
fn connector(made: &str) -> &str {
    let has = |words: &[&str]| words.iter().any(|word| made.contains(word));
    match made {
        _ if has(&["Path", "File", "open"]) => "text_files(\"prefix\")",
        _ if has(&["stdout", "stderr", "print"]) || made.starts_with('"') => "console()",
        made => made,
    }
}

/// What is borrowed, if something is.
pub fn borrowed(expr: &Expr) -> &Expr {
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
