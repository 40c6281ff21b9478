//! The part of `resolve` that looks at windows and at lengths of time.

use quote::ToTokens;
use syn::{Expr, ExprMethodCall};

use super::{Resolver, call_shape::written};
use crate::{
    durations::{Length, no_length},
    graph::{Finding, NodeId},
};

impl Resolver {
    /// Windows that are united as they are slide together.
    pub fn slides(&mut self, call: &ExprMethodCall, node: NodeId) {
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
    pub fn window(&mut self, call: &ExprMethodCall, node: NodeId) {
        if let Some(wrong) = call.args.iter().find(|argument| no_length(argument).is_some())
            && call.args.len() == 2
        {
            let right: Vec<String> = call
                .args
                .iter()
                .map(|argument| no_length(argument).unwrap_or_else(|| written(argument)))
                .collect();
            let words = format!(
                "a window's length and slide are durations: write `.{}({})`",
                call.method,
                right.join(", ")
            );
            self.graph.findings.push(Finding::Mistake(wrong.to_token_stream(), words));
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
}
