//! A pipeline's plan as data: its operators and ports, how records go between them, and what each keeps.
//!
//! `stream!` writes a plan down in one encoding, which is put together with those of the stages that it calls. `PLAN`
//! and `DOT` are drawn from it by the compiler; [`Plan`] is read from it.
//!
//! ```
//! use streaming_runtime::{plan::NodeKind, prelude::*};
//!
//! stream!(
//!     #[batch(secs(1))]
//!     fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
//!         lines.flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>()).count_by_value().to(counts);
//!     }
//! );
//!
//! let plan = word_count::plan();
//! assert_eq!(plan.mermaid(), word_count::PLAN);
//! let counts = plan.node("word_count/counts/count_by_value").expect("it is one of OPERATORS");
//! assert_eq!(counts.kind, NodeKind::Keyed);
//! println!("{plan}");
//! // word_count, a batch every 1s
//! // source lines: String
//! //   → flat_map (counts)
//! //   → count_by_value (counts), by key; keeps one value per key of the batch: combined
//! //   → sink counts: (String, i64)
//! ```

pub(crate) mod drawing;
mod encoded;
mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::{delivery::Delivery, recovery::Recovery};

/// A pipeline's plan. From the pipeline's `plan()`; from [`Job::plan`](crate::Job::plan) and
/// [`Monitor::plan`](crate::Monitor::plan) with what its connectors do after a crash. Printed, it is a tree for a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The pipeline's name.
    pub pipeline: String,
    /// The batch interval.
    pub batch: Duration,
    /// Operators and ports, from the sources on.
    pub nodes: Vec<Node>,
    /// Streams between them.
    pub edges: Vec<Edge>,
    /// What stands together: loops, stages, chains that run as one operator.
    pub groups: Vec<Group>,
}

/// An operator or a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Node {
    /// The id of an operator, as in [`JobMetrics`](crate::metrics::JobMetrics) and `OPERATORS`; the name of a port.
    pub id: String,
    /// The operator's or the port's name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Of a port, the type of its records; of an operator, the `let` or the sink that it works for.
    pub detail: String,
    /// What it keeps, as far as the macro can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<StoredState>,
    /// The innermost group that it stands in, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Of a source of a job, what becomes of its records after a crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// Of a sink of a job, what it makes of a batch that comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeKind {
    /// A source port.
    Source,
    /// A sink port.
    Sink,
    /// Looks at one record at a time.
    Stateless,
    /// Joins, parts or ends streams.
    Routing,
    /// Brings the records of a key together.
    Keyed,
    /// Brings all records together.
    Global,
    /// Keeps something from batch to batch, or runs a loop.
    Stateful,
    /// An operator or a function of the user's, or the call of a stage.
    Opaque,
}

/// What an operator keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredState {
    /// What: `one value per key and pane`.
    pub what: String,
    /// By which data structure or algorithm: `panes, two stacks`.
    pub lowering: String,
}

/// A stream from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Edge {
    /// The id of the node that it comes from.
    pub from: String,
    /// The id of the node that reads it.
    pub to: String,
    /// Which of several outputs it is, or what a stage calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// How its records go to other workers.
    pub exchange: Exchange,
    /// Where it leads.
    pub way: Way,
    /// The stage that it belongs to, by the group's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

/// How records go to other workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exchange {
    /// They stay where they are.
    Stay,
    /// To the worker that has their key.
    ByKey,
    /// To all in equal parts.
    Evenly,
    /// All to one.
    ToOne,
}

/// Where a stream leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// On.
    Forward,
    /// Back to the beginning of a loop.
    Again,
    /// Out of a stage, to its call.
    Returns,
}

/// What stands together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The kind, and the id of its first node, or of the call of a stage: `stage shop/totals/sums`.
    pub id: String,
    /// What it is.
    pub kind: GroupKind,
    /// The loop's place or the stage's name.
    pub name: String,
    /// The group around it, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// What a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupKind {
    /// The body of a loop.
    Loop,
    /// A chain of stateless operators that runs as one.
    Fused,
    /// What a stage is made of.
    Stage,
}

impl Plan {
    /// The node with this id: an operator's id, or a port's name.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The plan for Mermaid, which GitHub and rustdoc themes render.
    pub fn mermaid(&self) -> String {
        self.drawn(drawing::Notation::Mermaid)
    }

    /// The plan for Graphviz.
    pub fn dot(&self) -> String {
        self.drawn(drawing::Notation::Dot)
    }

    fn drawn(&self, notation: drawing::Notation) -> String {
        let encoded = self.encoded();
        let mut bytes = vec![0; drawing::drawn_length(&encoded, notation)];
        drawing::draw(&encoded, notation, &mut bytes);
        String::from_utf8(bytes).expect("only whole characters are written")
    }

    /// Says of each port what its connector does after a crash.
    pub(crate) fn with_connectors(
        mut self,
        sources: &[(&str, Recovery)],
        sinks: &[(&str, Delivery)],
    ) -> Self {
        for node in &mut self.nodes {
            match node.kind {
                NodeKind::Source => {
                    node.recovery = sources.iter().find(|(port, _)| *port == node.id).map(|(_, is)| *is);
                }
                NodeKind::Sink => {
                    node.delivery = sinks.iter().find(|(port, _)| *port == node.id).map(|(_, is)| *is);
                }
                _ => {}
            }
        }
        self
    }
}
