//! Draws the graph. Sources and sinks have shapes of their own and say what they carry; chains of stateless
//! operators stand in one frame, because they become one operator; edges say where records change workers.
//!
//! A plan is part of the program and of its reviews: the same body always gives the same text.

mod marks;
mod notation;
mod state_plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::{
    graph::{Edge, Graph, Node, NodeId, What},
    operators::{Exchange, Kind},
};
use notation::{Dot, Mermaid, Notation};

pub use marks::marks;

/// Where a stage's text has what its caller calls it.
pub const CALLER: &str = "\u{1}";

/// A part of what is said.
pub enum Piece {
    /// The pipeline's own.
    Text(String),
    /// A stage's, by its call, and what it is called there.
    Stage(NodeId, String),
}

/// Draws the graph for Mermaid, which GitHub and rustdoc themes render.
pub fn mermaid(graph: &Graph) -> Vec<Piece> {
    draw(graph, &Mermaid)
}

/// Draws the graph for Graphviz.
pub fn dot(graph: &Graph) -> Vec<Piece> {
    draw(graph, &Dot)
}

/// For each operator, and for each call of a function with a stream, the sources whose records come to it.
pub fn feeds(graph: &Graph) -> Vec<(String, Vec<String>)> {
    let sources = |node: &Node| {
        let mut open: Vec<NodeId> = reads(node).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(reads(&graph.nodes[id]));
            }
        }
        let ports = seen.into_iter().map(|id| &graph.nodes[id]);
        ports.filter(|node| matches!(node.what, What::Source(_))).map(|node| node.name.clone()).collect()
    };
    let is_port = |node: &Node| matches!(node.what, What::Source(_) | What::Sink(_));
    let nodes = graph.nodes.iter().enumerate().filter(|(_, node)| !is_port(node));
    nodes.map(|(id, node)| (graph.id(id), sources(node))).collect()
}

/// What a node reads, and a loop what comes round; what stands in a loop reads what goes into that.
fn reads(node: &Node) -> impl Iterator<Item = NodeId> + '_ {
    node.inputs.iter().chain(&node.feedback).map(|edge| edge.from).chain(node.inside)
}

/// What stands together: a loop's body, or a chain that is fused.
#[derive(Default)]
struct Frames {
    /// The first operator of the chain that a node belongs to.
    chain: BTreeMap<NodeId, NodeId>,
    /// What each node holds.
    holds: Vec<String>,
}

impl Frames {
    fn of(graph: &Graph) -> Self {
        let mut frames = Frames { holds: state_plan::lines(graph), ..Frames::default() };
        for id in drawn(graph) {
            let node = &graph.nodes[id];
            let before = node
                .inputs
                .first()
                .filter(|input| node.kind() == Kind::Stateless && is_fused(graph, input, node));
            let first =
                before.map_or(id, |input| frames.chain.get(&input.from).copied().unwrap_or(input.from));
            frames.chain.insert(id, first);
        }
        frames
    }
    /// The members of the chain that starts at `first`, if they are several.
    fn members(&self, first: NodeId) -> Vec<NodeId> {
        self.chain.iter().filter(|(_, own)| **own == first).map(|(member, _)| *member).collect()
    }
}

/// Whether a stateless operator is computed together with the one before it.
fn is_fused(graph: &Graph, input: &Edge, node: &Node) -> bool {
    let before = &graph.nodes[input.from];
    let alone = input.binding.is_none_or(|binding| {
        let binding = &graph.bindings[binding];
        !binding.is_shared() && !binding.typed
    });
    before.kind() == Kind::Stateless && before.inside == node.inside && alone
}

/// What is drawn, from left to right. A sink stands for the `to` before it.
fn drawn(graph: &Graph) -> impl Iterator<Item = NodeId> + '_ {
    let is_sink = |node: &NodeId| matches!(graph.nodes[*node].what, What::Sink(_));
    let all = 0..graph.nodes.len();
    // A stage's streams come out of its call.
    let is_given =
        |node: &NodeId| graph.stage.is_some() && matches!(graph.nodes[*node].what, What::Source(_));
    let others = all
        .clone()
        .filter(move |node| !is_sink(node) && !is_given(node) && graph.nodes[*node].kind() != Kind::Terminal);
    others.chain(all.filter(is_sink))
}

/// Of a stage, what stands in a frame around its call: the streams that it is given come out of the node of that call,
/// and what it returns goes back to it.
fn draw(graph: &Graph, notation: &dyn Notation) -> Vec<Piece> {
    let mut out = match graph.stage {
        Some(_) => notation.frame(&format!("stage_{CALLER}"), &format!("stage {}", graph.name)) + "\n",
        None => notation.open(graph),
    };
    let frames = Frames::of(graph);
    draw_level(graph, notation, &frames, None, 1, &mut out);
    for id in drawn(graph) {
        let node = &graph.nodes[id];
        for input in &node.inputs {
            let travels = match node.exchange() {
                Exchange::No => "",
                Exchange::ByKey => "by key",
                Exchange::Evenly => "evenly",
                Exchange::ToOne => "to one",
            };
            let given = graph.nodes[input.from].name.as_str();
            let is_given = graph.stage.is_some() && matches!(graph.nodes[input.from].what, What::Source(_));
            let several = if is_given { given } else { input.output.as_deref().unwrap_or_default() };
            let label =
                [several, travels].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            line(&mut out, 1, &notation.edge(&key(graph, input.from), &key(graph, id), &label, false));
        }
        if let Some(feedback) = &node.feedback {
            line(&mut out, 1, &notation.edge(&key(graph, feedback.from), &key(graph, id), "again", true));
        }
    }
    for result in graph.stage.iter().flatten() {
        line(&mut out, 1, &notation.edge(&key(graph, result.from), CALLER, "returns", true));
    }
    let end = match graph.stage {
        Some(_) => format!("{}\n", notation.close_frame()),
        None => notation.close().to_owned(),
    };
    let stages = drawn(graph).filter(|node| matches!(graph.nodes[*node].what, What::Function));
    let stages = stages.map(|node| Piece::Stage(node, key(graph, node))).collect::<Vec<_>>();
    // A stage that a stage calls stands inside of its frame.
    [Piece::Text(out)].into_iter().chain(stages).chain([Piece::Text(end)]).collect()
}

/// Draws the nodes in the body of a loop, or of the pipeline.
fn draw_level(
    graph: &Graph,
    notation: &dyn Notation,
    frames: &Frames,
    inside: Option<NodeId>,
    depth: usize,
    out: &mut String,
) {
    for id in drawn(graph).filter(|id| graph.nodes[*id].inside == inside) {
        let node = &graph.nodes[id];
        let members = frames.members(id);
        if graph.nodes.iter().any(|inner| inner.inside == Some(id)) {
            line(
                out,
                depth,
                &notation.frame(&format!("loop_{}", key(graph, id)), &format!("loop {}", node.place)),
            );
            line(out, depth + 1, &notation.node(&key(graph, id), node, &frames.holds[id]));
            draw_level(graph, notation, frames, Some(id), depth + 1, out);
            line(out, depth, notation.close_frame());
        } else if members.len() > 1 {
            line(out, depth, &notation.frame(&format!("fused_{}", key(graph, id)), "one operator"));
            for member in members {
                line(
                    out,
                    depth + 1,
                    &notation.node(&key(graph, member), &graph.nodes[member], &frames.holds[member]),
                );
            }
            line(out, depth, notation.close_frame());
        } else if frames.chain[&id] == id {
            line(out, depth, &notation.node(&key(graph, id), node, &frames.holds[id]));
        }
    }
}

fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{:1$}{text}", "", 2 * depth);
}

/// A node's name in the drawing: made of its id, so that a moved statement changes no other line.
fn key(graph: &Graph, id: NodeId) -> String {
    let node = &graph.nodes[id];
    let number = if node.number > 1 { format!("_{}", node.number) } else { String::new() };
    match node.what {
        What::Source(_) if graph.stage.is_some() => CALLER.to_owned(),
        What::Source(_) => format!("source_{}", node.name),
        What::Sink(_) => format!("sink_{}", node.name),
        What::Operator | What::Function => {
            let key = format!("{}__{}{number}", node.place, node.name);
            let key = key.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            match graph.stage {
                Some(_) => format!("{CALLER}__{key}"),
                None => format!("op_{key}"),
            }
        }
    }
}
