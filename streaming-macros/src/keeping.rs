//! What each operator holds, by what law, and how it is lowered: what the plan says about state.
//!
//! The macro sees no types, but what a stream holds of its past follows from the operators before it. Behind a
//! function or an operator of the user's own nothing is known, and nothing is said.

use crate::graph::{Graph, Node, NodeId, What};

/// What a stream holds of its past, as the runtime's types of these names say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Batch,
    Windowed,
    /// A window without an end.
    Endless,
    Kept,
    State,
    History,
    Looped,
    Unknown,
}
use Holds::{Batch, Endless, History, Kept, Looped, State, Unknown, Windowed};

/// For each node what it holds, as a line of the plan; empty where there is nothing to say.
pub fn lines(graph: &Graph) -> Vec<String> {
    let mut holds: Vec<Holds> = Vec::with_capacity(graph.nodes.len());
    let mut lines = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let inputs: Vec<Holds> = node
            .inputs
            .iter()
            .map(|input| match node.inside {
                Some(_) => Looped,
                None => of_edge(graph, &holds, input.from, input.output.as_deref()),
            })
            .collect();
        let said = line(&node.name, &inputs).filter(|_| matches!(node.what, What::Operator));
        lines.push(said.unwrap_or_default());
        holds.push(made(node, &inputs));
    }
    lines
}

/// What an output of a node holds: of `map_with_state`, what is emitted and what is kept.
fn of_edge(graph: &Graph, holds: &[Holds], from: NodeId, output: Option<&str>) -> Holds {
    // A sink stands before the operators in the list, but nothing reads it.
    let Some(&held) = holds.get(from) else { return Unknown };
    let node: &Node = &graph.nodes[from];
    if !node.name.starts_with("map_with_state") {
        return held;
    }
    let names = node.place.rsplit('/').next().unwrap_or_default().split('+');
    match names.into_iter().position(|name| Some(name) == output) {
        Some(0) => Batch,
        Some(1) => Kept,
        _ => Unknown,
    }
}

/// What a node makes of what its inputs hold.
fn made(node: &Node, inputs: &[Holds]) -> Holds {
    let first = inputs.first().copied().unwrap_or(Batch);
    match &node.what {
        What::Source(_) => return Batch,
        What::Sink(_) | What::Function => return Unknown,
        What::Operator => {}
    }
    if node.inside.is_some() {
        return Looped;
    }
    match &*node.name {
        "map" | "flat_map" | "filter" | "filter_map" | "map_values" | "flat_map_values" | "key_by"
        | "inspect" | "split" | "try_map" | "union" | "share" => first,
        "repartition" | "transform" | "transform_with" | "map_partitions" | "glom" | "changes"
        | "snapshot" => Batch,
        "window" => Windowed,
        "history" => History,
        "allow_unbounded" if first == History => Endless,
        "allow_unbounded" | "expire_after" | "iterate" | "iterate_at_most" | "iterate_within" => Kept,
        "update_state" | "update_state_with" | "reduce_by_key_with_inverse" | "reduce_with_inverse" => State,
        "reduce_by_key_with_inverse_and_filter" => Kept,
        name if is_join(name) => match (first, inputs.get(1).copied().unwrap_or(Unknown)) {
            (Unknown, _) | (_, Unknown) => Unknown,
            (Batch, _) | (_, Batch) => Batch,
            _ => Kept,
        },
        name if is_aggregate(name) => match first {
            Windowed | Endless => Kept,
            other => other,
        },
        _ => Unknown,
    }
}

fn is_join(name: &str) -> bool {
    matches!(name, "join" | "left_join" | "right_join" | "full_join" | "cogroup" | "semijoin" | "antijoin")
}

fn is_aggregate(name: &str) -> bool {
    matches!(
        name,
        "reduce_by_key"
            | "group_by_key"
            | "combine_by_key"
            | "aggregate_by_key"
            | "count_by_value"
            | "distinct"
            | "count"
            | "reduce"
            | "aggregate"
            | "top_k"
    )
}

/// What an operator holds and how it is lowered.
fn line(name: &str, inputs: &[Holds]) -> Option<String> {
    let first = *inputs.first()?;
    let (holds, lowering) = match name {
        "update_state" | "update_state_with" | "map_with_state" | "map_with_state_from" => {
            ("one state per key", "hash map")
        }
        "iterate" | "iterate_at_most" | "iterate_within" => ("what changed in each round", "differential"),
        "to" | "snapshot" | "changes" | "transform" | "transform_with" if first == Windowed => {
            ("the window's records", "panes")
        }
        "to" | "snapshot" | "transform" | "transform_with" if first == Endless => ("all records", "list"),
        "reduce_by_key_with_inverse" | "reduce_with_inverse" | "reduce_by_key_with_inverse_and_filter" => {
            ("one value per key and pane", "panes, undone")
        }
        name if is_join(name) => match (first, *inputs.get(1)?) {
            (Unknown, _) | (_, Unknown) => return None,
            (Batch, Batch) => ("both batches", "grouped per batch"),
            (Looped, Looped) => ("both sides, by key and round", "differential"),
            (Kept, Kept | Windowed | Endless) | (Windowed | Endless, Kept) => {
                ("both sides, by key", "symmetric hash join")
            }
            (Batch, _) | (_, Batch) => ("the table, by key", "symmetric hash join"),
            _ => ("the records of both, by key", "panes, symmetric hash join"),
        },
        name if is_aggregate(name) => match (first, name) {
            (Batch, "count" | "reduce" | "aggregate" | "top_k") => ("one value of the batch", "combined"),
            (Batch, "group_by_key") => ("the batch, by key", "combined"),
            (Batch, _) => ("one value per key of the batch", "combined"),
            (Windowed, "group_by_key") => ("the window's records, by key", "panes, queue"),
            (Windowed, "count" | "count_by_value" | "distinct") => {
                ("one value per key and pane", "panes, undone")
            }
            (Windowed, "reduce_by_key" | "combine_by_key" | "reduce") => {
                ("two values per key and pane", "panes, two stacks")
            }
            (Endless, "group_by_key") => ("all records, by key", "running"),
            (Endless, _) => ("one value per key", "running"),
            (Windowed, _) => ("per key and pane, by its algebra", "panes"),
            (Kept, "count") => ("one number", "summed"),
            (Kept, _) => ("all records, by key", "in order of arrival"),
            (Looped, _) => ("all records, by key and round", "differential"),
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("{holds}: {lowering}"))
}
