//! The operators: the only place in this crate that knows them by name.
//!
//! The macro decides nothing by type. An operator that is missing here still works: it only stands outside of fusion, of
//! the rules about state, and of what the plan says about state. A new operator of the runtime needs one row of
//! [`OPERATORS`] and nothing else in this crate.

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

/// The kind of stream that comes out of an operator, by the names of the runtime's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// That of its first input.
    Same,
    /// `PerBatch`.
    Batch,
    /// `Windowed`.
    Window,
    /// `UnboundedWindow`.
    History,
    /// `Table`.
    Table,
    /// `UnboundedTable`.
    UnboundedTable,
    /// A window without an end if it reads a history, otherwise a table.
    Allowed,
    /// Two streams: one of each batch, and the states as a table.
    BatchAndTable,
    /// What a join makes of its two sides.
    Join,
    /// What an aggregate makes of its input.
    Aggregate,
    /// Not known, or nothing.
    Unknown,
}

/// What an operator holds from batch to batch, or within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Nothing, or nothing that the plan speaks of.
    Nothing,
    /// A state for each key.
    States,
    /// What changed in each round of a loop.
    Rounds,
    /// All records of a window, because it hands them on whole.
    Records,
    /// The records of a window, because it says which go.
    Leavers,
    /// A value for each key and pane.
    Panes,
    /// Both sides of a join.
    Sides,
    /// Values by an algebra.
    Values(Algebra),
}

/// What is known of the function by which an operator combines values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algebra {
    /// What leaves a window can be subtracted.
    Invertible,
    /// Parts can be combined in any grouping.
    Associative,
    /// The records are kept as they are.
    Grouped,
    /// Its argument says it, or the type of its values.
    ByArgument,
}

/// How the call of an operator is read and lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// As a method is.
    Plain,
    /// Its closure may return what borrows its record.
    Emits,
    /// Its closure is a body in which streams are repeated.
    Loop,
    /// Its arguments are the length and the slide of a window.
    Window,
    /// It makes one window of two.
    Union,
    /// Its argument is a sink.
    Sink,
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
    /// The kind of stream that it makes.
    pub makes: Makes,
    /// What it holds.
    pub holds: Holds,
    /// How its call is read.
    pub syntax: Syntax,
    /// Whether windows that go into it are windows behind it.
    pub passes_windows: bool,
    /// Whether a loop can repeat it.
    pub repeats: bool,
    /// The arguments of a call, as people write them.
    pub call: &'static str,
    /// How its closure is given its parameters, a letter each; by value where there is none.
    pub shown: &'static str,
    /// What a 0 as its first argument would mean, if it can only be a mistake.
    pub zero: Option<&'static str>,
    /// Names for the two streams that it makes, if it makes two.
    pub two: Option<&'static str>,
    /// Whether the second of them is what failed.
    pub fails: bool,
    /// The operator in its place when its closure only copies borrowed keys.
    pub borrowing: Option<&'static str>,
}

impl Operator {
    const fn new(name: &'static str, kind: Kind, exchange: Exchange, memory: Memory, makes: Makes) -> Self {
        Operator {
            name,
            kind,
            exchange,
            memory,
            makes,
            holds: Holds::Nothing,
            syntax: Syntax::Plain,
            passes_windows: matches!(kind, Kind::Stateless),
            repeats: matches!(kind, Kind::Stateless | Kind::Keyed),
            call: "",
            shown: "",
            zero: None,
            two: None,
            fails: false,
            borrowing: None,
        }
    }
    const fn holds(mut self, holds: Holds) -> Self {
        self.holds = holds;
        self
    }
    const fn syntax(mut self, syntax: Syntax) -> Self {
        self.syntax = syntax;
        self
    }
    const fn passes_windows(mut self) -> Self {
        self.passes_windows = true;
        self
    }
    const fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }
    const fn called(mut self, arguments: &'static str) -> Self {
        self.call = arguments;
        self
    }
    /// `&`: a reference. `?`: an `Option`. `[`: a slice. `!`: a state to change.
    const fn shown(mut self, parameters: &'static str) -> Self {
        self.shown = parameters;
        self
    }
    const fn never_of_zero(mut self, meaning: &'static str) -> Self {
        self.zero = Some(meaning);
        self
    }
    const fn two(mut self, names: &'static str) -> Self {
        self.two = Some(names);
        self
    }
    const fn fails(mut self) -> Self {
        self.fails = true;
        self
    }
    const fn borrowing(mut self, operator: &'static str) -> Self {
        self.borrowing = Some(operator);
        self
    }

    /// Whether no stream comes out of it.
    pub fn ends(&self) -> bool {
        matches!(self.kind, Kind::Terminal | Kind::End)
    }
    /// Whether its arguments may be functions, and are no streams.
    pub fn takes_functions(&self) -> bool {
        !self.is_sink() && self.syntax != Syntax::Union && self.makes != Makes::Join
    }
    /// Whether its one argument is a sink.
    pub fn is_sink(&self) -> bool {
        self.syntax == Syntax::Sink
    }
}

/// Looks at one record at a time.
const fn stateless(name: &'static str) -> Operator {
    Operator::new(name, Kind::Stateless, Exchange::No, Memory::No, Makes::Same)
}
/// Joins, parts or relabels streams.
const fn routing(name: &'static str, makes: Makes) -> Operator {
    Operator::new(name, Kind::Routing, Exchange::No, Memory::No, makes)
}
/// Makes one value of all records.
const fn global(name: &'static str, algebra: Algebra) -> Operator {
    let makes = Makes::Aggregate;
    Operator::new(name, Kind::Global, Exchange::ToOne, Memory::Inherited, makes).holds(Holds::Values(algebra))
}
/// Makes one value of the records of each key.
const fn by_key(name: &'static str, algebra: Algebra) -> Operator {
    let makes = Makes::Aggregate;
    Operator::new(name, Kind::Keyed, Exchange::ByKey, Memory::Inherited, makes).holds(Holds::Values(algebra))
}
/// Brings two streams together by key.
const fn join(name: &'static str) -> Operator {
    Operator::new(name, Kind::Keyed, Exchange::ByKey, Memory::Inherited, Makes::Join)
        .holds(Holds::Sides)
        .called("other")
}
/// Hands the records of a batch or a window to a closure, on one worker.
const fn whole(name: &'static str) -> Operator {
    Operator::new(name, Kind::Global, Exchange::ToOne, Memory::No, Makes::Batch)
}
/// Widens what a stream holds.
const fn window(name: &'static str, makes: Makes) -> Operator {
    Operator::new(name, Kind::Stateful, Exchange::No, Memory::Marks, makes)
}
/// Keeps a state for each key.
const fn state(name: &'static str, makes: Makes) -> Operator {
    Operator::new(name, Kind::Stateful, Exchange::ByKey, Memory::Own, makes).holds(Holds::States)
}
/// Repeats streams until nothing changes.
const fn repeated(name: &'static str) -> Operator {
    Operator::new(name, Kind::Stateful, Exchange::No, Memory::Own, Makes::Table)
        .holds(Holds::Rounds)
        .syntax(Syntax::Loop)
        .repeats()
}
/// Ends a stream inside of the pipeline.
const fn end(name: &'static str) -> Operator {
    Operator::new(name, Kind::End, Exchange::No, Memory::No, Makes::Unknown)
}

/// Every operator of the runtime.
const OPERATORS: &[Operator] = {
    use Algebra::{Associative, ByArgument, Grouped, Invertible};
    const NO_PARTS: &str = "a batch cannot be cut into no parts";
    const NO_ROUNDS: &str = "a loop makes nothing in no rounds";
    &[
        stateless("map").called("|record| ..").borrowing("map_lent"),
        stateless("flat_map").called("|record| ..").syntax(Syntax::Emits).borrowing("flat_map_lent"),
        stateless("filter").called("|record| ..").shown("&"),
        stateless("filter_map").called("|record| .."),
        stateless("map_values").called("|value| .."),
        stateless("flat_map_values").called("|value| ..").syntax(Syntax::Emits),
        stateless("key_by").called("|record| key").shown("&"),
        stateless("inspect").called("|record| ..").shown("&"),
        routing("split", Makes::Same)
            .passes_windows()
            .repeats()
            .called("|record| ..")
            .shown("&")
            .two("(some, others)"),
        routing("try_map", Makes::Same).passes_windows().called("|record| ..").two("(made, failed)").fails(),
        routing("decode", Makes::Same)
            .passes_windows()
            .called("json::<Click>()")
            .two("(records, rejected)")
            .fails(),
        routing("decode_with", Makes::Same)
            .passes_windows()
            .called("json::<Click>(), |payload, record| ..")
            .two("(records, rejected)")
            .fails(),
        stateless("encode").called("json()"),
        routing("union", Makes::Same).passes_windows().repeats().called("other").syntax(Syntax::Union),
        routing("share", Makes::Same).passes_windows().repeats(),
        Operator::new("repartition", Kind::Routing, Exchange::Evenly, Memory::No, Makes::Batch)
            .called("4")
            .never_of_zero("records cannot be spread over no workers"),
        global("count", Invertible),
        global("reduce", Associative).called("|a, b| ..").repeats(),
        global("aggregate", ByArgument).called("sum()").repeats(),
        global("top_k", ByArgument).called("10").repeats(),
        Operator { makes: Makes::UnboundedTable, ..global("reduce_with_inverse", Invertible) }
            .called("|a, b| a + b, |a, b| a - b")
            .holds(Holds::Panes),
        by_key("count_by_value", Invertible),
        by_key("count_by_key", Invertible),
        by_key("sum_by_key", ByArgument),
        by_key("min_by_key", Associative),
        by_key("max_by_key", Associative),
        by_key("reduce_by_key", Associative).called("|a, b| .."),
        Operator { makes: Makes::UnboundedTable, ..by_key("reduce_by_key_with_inverse", Invertible) }
            .called("|a, b| a + b, |a, b| a - b")
            .holds(Holds::Panes),
        Operator { makes: Makes::Table, ..by_key("reduce_by_key_with_inverse_and_filter", Invertible) }
            .called("|a, b| a + b, |a, b| a - b, |(key, value)| ..")
            .holds(Holds::Panes),
        by_key("aggregate_by_key", ByArgument).called("sum()"),
        by_key("group_by_key", Grouped),
        by_key("combine_by_key", Associative).called("|value| .., |all, value| .., |all, others| .."),
        by_key("distinct", Invertible),
        join("join"),
        join("left_join"),
        join("right_join"),
        join("full_join"),
        join("cogroup"),
        join("semijoin"),
        join("antijoin"),
        whole("transform").holds(Holds::Records).called("|time, records| .."),
        whole("transform_with").holds(Holds::Records).called("other, |time, records, others| .."),
        whole("map_partitions").called("4, |records| ..").never_of_zero(NO_PARTS),
        whole("glom").called("4").never_of_zero(NO_PARTS),
        window("window", Makes::Window).called("secs(30), secs(10)").syntax(Syntax::Window),
        window("history", Makes::History),
        state("update_state", Makes::UnboundedTable).called("|key, state, values| ..").shown("&?["),
        state("update_state_with", Makes::UnboundedTable)
            .called("initial, |time, key, state, values| ..")
            .shown(".&?["),
        state("map_with_state", Makes::BatchAndTable)
            .called("idle_for(minutes(30)), |key, value, state| ..")
            .shown("&?!")
            .two("(made, states)"),
        state("map_with_state_from", Makes::BatchAndTable)
            .called("idle_for(minutes(30)), initial, |time, key, value, state| ..")
            .shown(".&?!")
            .two("(made, states)"),
        repeated("iterate").called("|stream| .."),
        repeated("iterate_at_most").called("100, |stream| ..").never_of_zero(NO_ROUNDS),
        repeated("iterate_within").called("100, secs(5), |stream| ..").never_of_zero(NO_ROUNDS),
        routing("expire_after", Makes::Table).called("hours(1)"),
        routing("allow_unbounded", Makes::Allowed).called("\"why\""),
        routing("changes", Makes::Batch).holds(Holds::Leavers),
        routing("snapshot", Makes::Batch).holds(Holds::Records),
        Operator::new("to", Kind::Terminal, Exchange::No, Memory::No, Makes::Unknown)
            .called("out")
            .holds(Holds::Records)
            .syntax(Syntax::Sink),
        end("skip"),
        end("fail"),
    ]
};

/// The operator of that name, unless it is the user's own.
pub fn known(name: &str) -> Option<Operator> {
    OPERATORS.iter().copied().find(|operator| operator.name == name)
}

/// Whether a loop can repeat what has that name; the user's own may.
pub fn repeats(name: &str) -> bool {
    known(name).is_none_or(|operator| operator.repeats)
}
