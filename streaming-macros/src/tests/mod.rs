//! The macro without a compiler: what it writes and what it says. Programs that rustc sees as well are in
//! the workspace's `tests/ui`.

mod calls;
mod cursor;
mod emitted;
mod headers;
mod lending;
mod lowering;
mod plans;
mod programs;
mod rules;

use proc_macro2::TokenStream;

use crate::{
    check::check,
    emit::lower,
    errors::Errors,
    graph::{Graph, What},
    parse::{self, Form, Input},
    plan::Piece,
    resolve::resolve,
};

/// The tokens that `streaming-runtime` hands over for an item.
fn input(item: &str) -> TokenStream {
    format!("(streaming_runtime) {item}").parse().expect("the item's parentheses match")
}

/// A pipeline with two sources, two sinks and a value.
fn pipeline(body: &str) -> String {
    format!(
        "#[batch(secs(5))] fn p<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, i64)>, \
         other: Sink<(u64, i64)>>(limit: i64) {{ {body} }}"
    )
}

/// All passes up to the checks, with each error as "`text under it`: message".
fn understood(item: &str) -> (Graph, Vec<String>) {
    let errors = Errors::default();
    let item = match Input::read(Form::Pipeline, input(item)) {
        Ok(input) => parse::pipeline(input, &errors),
        Err(error) => panic!("no header: {error}"),
    };
    let graph = resolve(&item);
    check(&graph, &errors);
    let said = errors.finish().into_iter().map(|error| {
        let text = error.span().source_text().unwrap_or_default();
        format!("`{text}`: {error}")
    });
    (graph, said.collect())
}

/// What is said about an item.
fn said(item: &str) -> Vec<String> {
    understood(item).1
}

/// The lowered body, without spaces, so that tests read like code and not like tokens.
fn lowered(body: &str) -> String {
    let (graph, _) = understood(&pipeline(body));
    squeezed(&lower(&graph, &"rt".parse().expect("a path")).to_string())
}

/// Operator ids.
fn ids(body: &str) -> Vec<String> {
    operators(&understood(&pipeline(body)).0)
}

/// The ids of a graph's operators, in source order.
fn operators(graph: &Graph) -> Vec<String> {
    let is_operator = |node: &usize| matches!(graph.nodes[*node].what, What::Operator);
    (0..graph.nodes.len()).filter(is_operator).map(|node| graph.id(node)).collect()
}

/// What is said without stages.
fn own(pieces: Vec<Piece>) -> String {
    let text = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Stage(..) => String::new(),
    };
    pieces.into_iter().map(text).collect()
}

fn squeezed(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_name(out.chars().last()) && is_name(word.chars().next()) {
            out.push(' ');
        }
        out += word;
    }
    out
}
