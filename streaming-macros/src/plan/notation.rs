//! The two languages in which a plan is drawn.

use std::fmt::Write;

use crate::{
    graph::{Graph, Node, What},
    operators::Kind,
    tokens::text,
};

/// What differs between the two notations.
pub trait Notation {
    /// The beginning.
    fn open(&self, graph: &Graph) -> String;
    /// A node; `holds` is what it holds of its past, if anything.
    fn node(&self, id: &str, node: &Node, holds: &str) -> String;
    /// An arrow; `again` says whether it leads back.
    fn edge(&self, from: &str, to: &str, label: &str, again: bool) -> String;
    /// The beginning of what stands together.
    fn frame(&self, id: &str, label: &str) -> String;
    /// And its end.
    fn close_frame(&self) -> &'static str;
    /// The end.
    fn close(&self) -> &'static str;
}

/// What stands below a node's name: a port's record type, an operator's place.
fn below(node: &Node) -> String {
    match &node.what {
        What::Source(record) | What::Sink(record) => text(record),
        What::Operator | What::Function => node.place.clone(),
    }
}

/// Mermaid, which GitHub and rustdoc themes render.
pub struct Mermaid;

impl Mermaid {
    /// Mermaid reads labels as HTML and writes entities its own way.
    fn escape(text: &str) -> String {
        text.replace('&', "#amp;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
    }
}

impl Notation for Mermaid {
    fn open(&self, _: &Graph) -> String {
        "flowchart LR\n".to_owned()
    }
    fn node(&self, id: &str, node: &Node, holds: &str) -> String {
        let below = below(node);
        let mut label = format!("{}<br/>{}", Self::escape(&node.name), Self::escape(&below));
        if !holds.is_empty() {
            let _ = write!(label, "<br/>{}", Self::escape(holds));
        }
        match (&node.what, node.kind()) {
            (What::Source(_), _) => format!("{id}([\"{label}\"])"),
            (What::Sink(_), _) => format!("{id}[[\"{label}\"]]"),
            (_, Kind::Stateful) => format!("{id}[(\"{label}\")]"),
            (_, Kind::Keyed | Kind::Global) => format!("{id}{{{{\"{label}\"}}}}"),
            _ => format!("{id}[\"{label}\"]"),
        }
    }
    fn edge(&self, from: &str, to: &str, label: &str, again: bool) -> String {
        let arrow = if again { "-.->" } else { "-->" };
        let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", Self::escape(label)) };
        format!("{from} {arrow}{label} {to}")
    }
    fn frame(&self, id: &str, label: &str) -> String {
        format!("subgraph {id}[\"{}\"]", Self::escape(label))
    }
    fn close_frame(&self) -> &'static str {
        "end"
    }
    fn close(&self) -> &'static str {
        ""
    }
}

/// Graphviz' language.
pub struct Dot;

impl Dot {
    fn escape(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "\\\"")
    }
}

impl Notation for Dot {
    fn open(&self, graph: &Graph) -> String {
        format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];\n", Self::escape(&graph.pipeline))
    }
    fn node(&self, id: &str, node: &Node, holds: &str) -> String {
        let below = below(node);
        let shape = match (&node.what, node.kind()) {
            (What::Source(_), _) => ", shape=oval",
            (What::Sink(_), _) => ", shape=box, peripheries=2",
            (_, Kind::Stateful) => ", shape=cylinder",
            (_, Kind::Keyed | Kind::Global) => ", shape=hexagon",
            _ => "",
        };
        let holds = if holds.is_empty() { String::new() } else { format!("\\n{}", Self::escape(holds)) };
        format!("{id} [label=\"{}\\n{}{holds}\"{shape}];", Self::escape(&node.name), Self::escape(&below))
    }
    fn edge(&self, from: &str, to: &str, label: &str, again: bool) -> String {
        let style = if again { ", style=dashed" } else { "" };
        format!("{from} -> {to} [label=\"{}\"{style}];", Self::escape(label))
    }
    fn frame(&self, id: &str, label: &str) -> String {
        format!("subgraph \"cluster_{id}\" {{ label=\"{}\";", Self::escape(label))
    }
    fn close_frame(&self) -> &'static str {
        "}"
    }
    fn close(&self) -> &'static str {
        "}\n"
    }
}
