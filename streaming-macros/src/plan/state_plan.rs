//! What each operator holds, by what law, and how it is lowered: what the plan says about state.
//!
//! The macro sees no types, but the kind of a stream follows from the operators before it. Behind a function or an
//! operator of the user's own nothing is known, and nothing is said.

use crate::{
    graph::{Graph, Node, NodeId, What},
    operators::{Algebra, Holds, Kind, Makes, Operator},
};

/// The kind of a stream, by the names of the runtime's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamKind {
    Batch,
    Windowed,
    /// A window without an end, which its author allowed.
    Endless,
    Table,
    UnboundedTable,
    UnboundedWindow,
    Looped,
    Unknown,
}
use StreamKind::{Batch, Endless, Looped, Table, UnboundedTable, UnboundedWindow, Unknown, Windowed};

/// For each node what it holds, as a line of the plan; empty where there is nothing to say.
pub fn lines(graph: &Graph) -> Vec<String> {
    let mut kinds: Vec<StreamKind> = Vec::with_capacity(graph.nodes.len());
    let mut lines = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let inputs: Vec<StreamKind> = node
            .inputs
            .iter()
            .map(|input| match node.inside {
                Some(_) => Looped,
                None => of_edge(graph, &kinds, input.from, input.output.as_deref()),
            })
            .collect();
        let line = node.operator.as_ref().and_then(|operator| line(operator, &inputs));
        lines.push(line.unwrap_or_default());
        kinds.push(made(node, &inputs));
    }
    lines
}

/// The kind of an output of a node: of two, which one by the place of its name in the `let`.
fn of_edge(graph: &Graph, kinds: &[StreamKind], from: NodeId, output: Option<&str>) -> StreamKind {
    // A sink stands before the operators in the list, but nothing reads it.
    let Some(&kind) = kinds.get(from) else { return Unknown };
    let node: &Node = &graph.nodes[from];
    if !node.operator.is_some_and(|operator| operator.makes == Makes::BatchAndTable) {
        return kind;
    }
    match output.and_then(|output| node.place_of_output(output)) {
        Some(0) => Batch,
        Some(1) => Table,
        _ => Unknown,
    }
}

/// The kind of stream that a node makes of its inputs.
fn made(node: &Node, inputs: &[StreamKind]) -> StreamKind {
    let first = inputs.first().copied().unwrap_or(Batch);
    let operator = match (&node.what, node.operator) {
        (What::Source(_), _) => return Batch,
        (What::Sink(_) | What::Function, _) => return Unknown,
        (What::Operator, _) if node.inside.is_some() => return Looped,
        (What::Operator, None) => return Unknown,
        (What::Operator, Some(operator)) => operator,
    };
    match operator.makes {
        Makes::Same => first,
        Makes::Batch => Batch,
        Makes::Window => Windowed,
        Makes::History => UnboundedWindow,
        Makes::Allowed if first == UnboundedWindow => Endless,
        Makes::Table | Makes::Allowed => Table,
        Makes::UnboundedTable => UnboundedTable,
        Makes::Join => match (first, inputs.get(1).copied().unwrap_or(Unknown)) {
            (Unknown, _) | (_, Unknown) => Unknown,
            (Batch, _) | (_, Batch) => Batch,
            _ => Table,
        },
        Makes::Aggregate => match first {
            Windowed | Endless => Table,
            other => other,
        },
        Makes::BatchAndTable | Makes::Unknown => Unknown,
    }
}

/// What an operator holds and how it is lowered.
fn line(operator: &Operator, inputs: &[StreamKind]) -> Option<String> {
    let first = *inputs.first()?;
    let (holds, lowering) = match operator.holds {
        Holds::Nothing => return None,
        Holds::States => ("one state per key", "hash map"),
        Holds::Rounds => ("what changed in each round", "differential"),
        Holds::Records | Holds::Leavers if first == Windowed => ("the window's records", "panes"),
        Holds::Records if first == Endless => ("all records", "list"),
        Holds::Records | Holds::Leavers => return None,
        Holds::Panes => ("one value per key and pane", "panes, undone"),
        Holds::Sides => sides(first, *inputs.get(1)?)?,
        Holds::Values(algebra) => values(operator.kind == Kind::Global, algebra, first)?,
    };
    Some(format!("{holds}: {lowering}"))
}

/// What a join holds of its two sides.
fn sides(first: StreamKind, second: StreamKind) -> Option<(&'static str, &'static str)> {
    Some(match (first, second) {
        (Unknown, _) | (_, Unknown) => return None,
        (Batch, Batch) => ("both batches", "grouped per batch"),
        (Looped, Looped) => ("both sides, by key and round", "differential"),
        (Table, Table | Windowed | Endless) | (Windowed | Endless, Table) => {
            ("both sides, by key", "symmetric hash join")
        }
        (Batch, _) | (_, Batch) => ("the table, by key", "symmetric hash join"),
        _ => ("the records of both, by key", "panes, symmetric hash join"),
    })
}

/// What an aggregate holds of its input.
fn values(is_global: bool, algebra: Algebra, first: StreamKind) -> Option<(&'static str, &'static str)> {
    use Algebra::{Associative, ByArgument, Grouped, Invertible};
    Some(match (first, algebra) {
        (Batch, _) if is_global => ("one value of the batch", "combined"),
        (Batch, Grouped) => ("the batch, by key", "combined"),
        (Batch, _) => ("one value per key of the batch", "combined"),
        (Windowed, Grouped) => ("the window's records, by key", "panes, queue"),
        (Windowed, Invertible) => ("one value per key and pane", "panes, undone"),
        (Windowed, Associative) => ("two values per key and pane", "panes, two stacks"),
        (Windowed, ByArgument) => ("per key and pane, by its algebra", "panes"),
        (Endless, Grouped) => ("all records, by key", "running"),
        (Endless, _) => ("one value per key", "running"),
        (Table, Invertible) if is_global => ("one number", "summed"),
        (Table, _) => ("all records, by key", "in order of arrival"),
        (Looped, _) => ("all records, by key and round", "differential"),
        (UnboundedTable | UnboundedWindow | Unknown, _) => return None,
    })
}
