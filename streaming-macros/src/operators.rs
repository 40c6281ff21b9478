//! What the macro knows of the operators. It decides nothing by type: an operator that is missing here
//! still works, it only stands outside of fusion and of the rules about state.

/// What an operator is to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Looks at one record at a time: neighbours of this kind become one operator.
    Stateless,
    /// Joins, parts or relabels streams.
    Routing,
    /// Brings the records of a key together.
    Keyed,
    /// Brings all records of a batch together.
    Global,
    /// Keeps something from batch to batch.
    Stateful,
    /// Sends a stream to a sink.
    Terminal,
    /// Ends a stream inside of the pipeline.
    End,
    /// An operator of the user's, of which nothing is known.
    Opaque,
}

impl Kind {
    /// Whether no stream comes out of it.
    pub fn ends(self) -> bool {
        matches!(self, Kind::Terminal | Kind::End)
    }
}

/// Where the records go on their way into an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// They stay on their worker.
    No,
    /// To the worker of their key.
    ByKey,
    /// To any worker, evenly.
    Evenly,
    /// To a single worker.
    ToOne,
}

/// Whether an operator remembers anything of earlier batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Never.
    No,
    /// When a stream that it reads holds more than its batch.
    Inherited,
    /// Not by itself: what reads it does.
    Marks,
    /// Always.
    Own,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The method's name.
    pub name: &'static str,
    /// What it is to the plan.
    pub kind: Kind,
    /// How its input travels.
    pub exchange: Exchange,
    /// What it remembers.
    pub memory: Memory,
}

impl Operator {
    /// Whether windows that go into it are windows behind it.
    pub fn leaves_windows(self) -> bool {
        match self.kind {
            Kind::Stateless => true,
            Kind::Routing => matches!(self.name, "union" | "split" | "try_map" | "share"),
            _ => false,
        }
    }
}

const fn row(name: &'static str, kind: Kind, exchange: Exchange, memory: Memory) -> Operator {
    Operator { name, kind, exchange, memory }
}

/// Every operator of the runtime. A new one is added here and nowhere else in this crate, unless its
/// arguments need lowering of their own.
const OPERATORS: &[Operator] = {
    use Exchange::{ByKey, Evenly, No as Stay, ToOne};
    use Kind::{End, Global, Keyed, Routing, Stateful, Stateless, Terminal};
    use Memory::{Inherited, Marks, No as Forgets, Own};
    &[
        row("map", Stateless, Stay, Forgets),
        row("flat_map", Stateless, Stay, Forgets),
        row("filter", Stateless, Stay, Forgets),
        row("filter_map", Stateless, Stay, Forgets),
        row("map_values", Stateless, Stay, Forgets),
        row("flat_map_values", Stateless, Stay, Forgets),
        row("key_by", Stateless, Stay, Forgets),
        row("inspect", Stateless, Stay, Forgets),
        row("split", Routing, Stay, Forgets),
        row("try_map", Routing, Stay, Forgets),
        row("union", Routing, Stay, Forgets),
        row("share", Routing, Stay, Forgets),
        row("repartition", Routing, Evenly, Forgets),
        row("count", Global, ToOne, Inherited),
        row("reduce", Global, ToOne, Inherited),
        row("aggregate", Global, ToOne, Inherited),
        row("top_k", Global, ToOne, Inherited),
        row("reduce_with_inverse", Global, ToOne, Inherited),
        row("count_by_value", Keyed, ByKey, Inherited),
        row("reduce_by_key", Keyed, ByKey, Inherited),
        row("reduce_by_key_with_inverse", Keyed, ByKey, Inherited),
        row("reduce_by_key_with_inverse_and_filter", Keyed, ByKey, Inherited),
        row("aggregate_by_key", Keyed, ByKey, Inherited),
        row("group_by_key", Keyed, ByKey, Inherited),
        row("combine_by_key", Keyed, ByKey, Inherited),
        row("distinct", Keyed, ByKey, Inherited),
        row("join", Keyed, ByKey, Inherited),
        row("left_join", Keyed, ByKey, Inherited),
        row("right_join", Keyed, ByKey, Inherited),
        row("full_join", Keyed, ByKey, Inherited),
        row("cogroup", Keyed, ByKey, Inherited),
        row("semijoin", Keyed, ByKey, Inherited),
        row("antijoin", Keyed, ByKey, Inherited),
        row("transform", Global, ToOne, Forgets),
        row("transform_with", Global, ToOne, Forgets),
        row("map_partitions", Global, ToOne, Forgets),
        row("glom", Global, ToOne, Forgets),
        row("window", Stateful, Stay, Marks),
        row("history", Stateful, Stay, Marks),
        row("update_state", Stateful, ByKey, Own),
        row("update_state_with", Stateful, ByKey, Own),
        row("map_with_state", Stateful, ByKey, Own),
        row("map_with_state_from", Stateful, ByKey, Own),
        row("iterate", Stateful, Stay, Own),
        row("iterate_at_most", Stateful, Stay, Own),
        row("iterate_within", Stateful, Stay, Own),
        row("expire_after", Routing, Stay, Forgets),
        row("allow_unbounded", Routing, Stay, Forgets),
        row("changes", Routing, Stay, Forgets),
        row("snapshot", Routing, Stay, Forgets),
        row("to", Terminal, Stay, Forgets),
        row("skip", End, Stay, Forgets),
        row("fail", End, Stay, Forgets),
    ]
};

/// The operator of that name, unless it is the user's own.
pub fn known(name: &str) -> Option<Operator> {
    OPERATORS.iter().copied().find(|operator| operator.name == name)
}

/// Operators that a loop can repeat. Windows, state and ways out stand outside of it.
pub fn repeats(name: &str) -> bool {
    match known(name) {
        None => true,
        Some(operator) => match operator.kind {
            Kind::Stateless | Kind::Keyed | Kind::Opaque => true,
            Kind::Routing => matches!(name, "union" | "split" | "share"),
            Kind::Stateful => matches!(name, "iterate" | "iterate_at_most" | "iterate_within"),
            Kind::Global | Kind::Terminal | Kind::End => matches!(name, "reduce" | "aggregate" | "top_k"),
        },
    }
}

/// Operators whose closure may return what borrows its record; see `lower`.
pub fn emits(name: &str) -> bool {
    matches!(name, "flat_map" | "flat_map_values")
}
