//! Writes the graph down as a plan: ports with what they carry, operators with what they keep, chains of stateless operators
//! together, because they become one operator, and edges that say where records change workers.
//!
//! The runtime reads and draws it; the encoding is described there, in `observe/plan/encoded.rs`. A plan is part of the program and
//! of its reviews: the same body always gives the same text.

mod marks;
mod state_plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::{
    graph::{Edge, Graph, Node, NodeId, What},
    operators::{Exchange, Kind},
    tokens::text,
};

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

/// The graph as a plan. Of a stage, what stands in a frame around its call: the streams that it is given come out of the node of
/// that call, and what it returns goes back to it.
pub fn encoded(graph: &Graph) -> Vec<Piece> {
    let mut out = String::new();
    match graph.stage {
        Some(_) => line(&mut out, &["open", "stage", CALLER, &graph.name]),
        None => {
            let batch = graph.batch.unwrap_or_default().to_string();
            line(&mut out, &["plan", &graph.pipeline, &batch]);
        }
    }
    let frames = Frames::of(graph);
    encode_level(graph, &frames, None, &mut out);
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
            let output = if is_given { given } else { input.output.as_deref().unwrap_or_default() };
            line(&mut out, &["edge", &id_of(graph, input.from), &id_of(graph, id), output, travels, ""]);
        }
        if let Some(feedback) = &node.feedback {
            line(&mut out, &["edge", &id_of(graph, feedback.from), &id_of(graph, id), "", "", "again"]);
        }
    }
    for result in graph.stage.iter().flatten() {
        line(&mut out, &["edge", &id_of(graph, result.from), CALLER, "", "", "returns"]);
    }
    let end = if graph.stage.is_some() { "close\n" } else { "" };
    let stages = drawn(graph).filter(|node| matches!(graph.nodes[*node].what, What::Function));
    let stages = stages.map(|node| Piece::Stage(node, id_of(graph, node))).collect::<Vec<_>>();
    // A stage that a stage calls stands inside of its frame.
    [Piece::Text(out)].into_iter().chain(stages).chain([Piece::Text(end.to_owned())]).collect()
}

/// Writes the nodes in the body of a loop, or of the pipeline.
fn encode_level(graph: &Graph, frames: &Frames, inside: Option<NodeId>, out: &mut String) {
    for id in drawn(graph).filter(|id| graph.nodes[*id].inside == inside) {
        let members = frames.members(id);
        if graph.nodes.iter().any(|inner| inner.inside == Some(id)) {
            line(out, &["open", "loop", &id_of(graph, id), &graph.nodes[id].place]);
            encode_node(graph, frames, id, out);
            encode_level(graph, frames, Some(id), out);
            line(out, &["close"]);
        } else if members.len() > 1 {
            line(out, &["open", "fused", &id_of(graph, id), ""]);
            members.into_iter().for_each(|member| encode_node(graph, frames, member, out));
            line(out, &["close"]);
        } else if frames.chain[&id] == id {
            encode_node(graph, frames, id, out);
        }
    }
}

fn encode_node(graph: &Graph, frames: &Frames, id: NodeId, out: &mut String) {
    let node = &graph.nodes[id];
    let kind = match (&node.what, node.kind()) {
        (What::Source(_), _) => "source",
        (What::Sink(_), _) => "sink",
        (_, Kind::Stateless) => "stateless",
        (_, Kind::Routing | Kind::Terminal | Kind::End) => "routing",
        (_, Kind::Keyed) => "keyed",
        (_, Kind::Global) => "global",
        (_, Kind::Stateful) => "stateful",
        (_, Kind::Opaque) => "opaque",
    };
    let detail = match &node.what {
        What::Source(record) | What::Sink(record) => text(record),
        What::Operator | What::Function => node.place.clone(),
    };
    let (keeps, lowering) = frames.holds[id].split_once(": ").unwrap_or_default();
    line(out, &["node", kind, &id_of(graph, id), &node.name, &detail, keeps, lowering]);
}

/// Writes a line of fields. A type has neither tabs nor line breaks, but what it is made of may.
fn line(out: &mut String, fields: &[&str]) {
    let fields = fields.iter().map(|field| field.replace(['\t', '\n'], " ")).collect::<Vec<_>>();
    let _ = writeln!(out, "{}", fields.join("\t"));
}

/// The id of an operator or a call, in a stage behind that of its caller; the name of a port.
pub fn id_of(graph: &Graph, id: NodeId) -> String {
    let node = &graph.nodes[id];
    match (&node.what, &graph.stage) {
        (What::Source(_), Some(_)) => CALLER.to_owned(),
        (What::Sink(_), Some(_)) => format!("{CALLER}/{}", node.name),
        (What::Source(_) | What::Sink(_), None) => node.name.clone(),
        (What::Operator | What::Function, Some(_)) => format!("{CALLER}/{}", graph.id(id)),
        (What::Operator | What::Function, None) => graph.id(id),
    }
}
