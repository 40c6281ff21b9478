//! The operators of the cases: their names, how many streams they read, and what they are in Rust.
//!
//! An operator that the engine has is one row of [`OPERATORS`]; one that it does not have yet is a name in
//! [`LATER`]. A name in neither fails the build.

use std::fmt::Display;

use serde_json::Value;

use super::{
    types::Type::{self, Int},
    vocabulary,
};

/// A step of a program with what it reads.
pub struct Step<'a> {
    /// The step, with the operator's parameters.
    pub params: &'a Value,
    /// The streams that it reads, as the pipeline names them, and their records' types.
    pub inputs: Vec<(&'a str, Type)>,
    /// The batch interval.
    pub batch_ms: u64,
}

impl Step<'_> {
    /// The name of the step's function; empty if it has none.
    pub fn function(&self) -> &str {
        self.params["fn"].as_str().unwrap_or_default()
    }

    /// The record type of the first stream.
    fn record(&self) -> &Type {
        &self.inputs[0].1
    }

    /// The key's and the value's type in the first stream.
    fn pair(&self) -> Option<(&Type, &Type)> {
        self.record().sides()
    }

    /// A parameter that is given in batch intervals, as a duration.
    fn duration(&self, param: &str) -> String {
        let batches = self.params[param].as_f64().expect("it is a number of batches");
        format!("millis({})", batches * self.batch_ms as f64)
    }

    /// A method of the first stream.
    fn calls(&self, method: impl Display, record: Type) -> Option<Made> {
        Some((format!("{}.{method}", self.inputs[0].0), record))
    }

    /// A join of the first two streams, with the values' types that it makes of theirs.
    fn joins(&self, method: &str, values: fn(Type, Type) -> (Type, Type)) -> Option<Made> {
        let ((key, left), (_, right)) = (self.pair()?, self.inputs[1].1.sides()?);
        let (left, right) = values(left.clone(), right.clone());
        let record = Type::pair(key.clone(), Type::pair(left, right));
        self.calls(format_args!("{method}({})", self.inputs[1].0), record)
    }

    /// The initial states.
    fn initial(&self, key: &Type, state: &Type) -> String {
        let all = Type::list(Type::pair(key.clone(), state.clone()));
        all.literal(self.params.get("initial").unwrap_or(&Value::Array(Vec::new())))
    }

    /// Spark's `updateStateByKey`, in the full form where that is needed. What a batch has of it is all states.
    fn updates_state(&self) -> Option<Made> {
        let (key, value) = self.pair()?;
        let (body, state) = vocabulary::update(self.function(), value)?;
        let closure = format!("_, s: Option<{}>, vs: &[{}]| {body}", state.rust(), value.rust());
        let time = if body.contains("time") { "time" } else { "_" };
        let call = match self.params["initial"].is_null() && time == "_" {
            true => format!("update_state(|{closure})"),
            false => format!("update_state_with({}, |{time}, {closure})", self.initial(key, &state)),
        };
        let record = Type::pair(key.clone(), state);
        self.calls(format_args!("{call}.allow_unbounded(\"a case\").snapshot()"), record)
    }

    /// Spark's `mapWithState`: the pair of streams, and the types of their records.
    pub fn maps_with_state(&self) -> Option<(Made, Type)> {
        let (key, value) = self.pair()?;
        let (body, emitted, state) = vocabulary::map_with_state(self.function(), key, value)?;
        let keeps = match self.params["timeout"].is_null() {
            true => "unbounded(\"a case\")".to_owned(),
            false => format!("idle_for({})", self.duration("timeout")),
        };
        let closure =
            format!("k, v: Option<{}>, s: &mut KeyState<{}>| {{ {body} }}", value.rust(), state.rust());
        let time = if body.contains("time.") { "time" } else { "_" };
        let call = match self.params["initial"].is_null() && time == "_" {
            true => format!("map_with_state({keeps}, |{closure})"),
            false => {
                let initial = self.initial(key, &state);
                format!("map_with_state_from({keeps}, {initial}, |{time}, {closure})")
            }
        };
        Some((self.calls(call, emitted)?, Type::pair(key.clone(), state)))
    }

    /// The union of inputs.
    fn union(&self, order: impl IntoIterator<Item = usize>) -> Option<Made> {
        let names = order.into_iter().map(|n| self.inputs[n].0.to_owned());
        let all = names.reduce(|all, name| format!("{all}.union({name})"))?;
        Some((all, self.record().clone()))
    }
}

/// How many streams an operator reads.
pub enum Reads {
    One,
    Many,
}
use Reads::{Many, One};

/// What a step is in Rust: the stream as an expression, and its records' type.
pub type Made = (String, Type);

/// One row of the table.
pub struct Operator {
    /// The name in the cases.
    pub name: &'static str,
    /// How many streams it reads.
    pub reads: Reads,
    /// `None`: the operator's function is not supported.
    pub made: fn(&Step<'_>) -> Option<Made>,
}

const fn row(name: &'static str, reads: Reads, made: fn(&Step<'_>) -> Option<Made>) -> Operator {
    Operator { name, reads, made }
}

/// What the engine has.
const OPERATORS: &[Operator] = &[
    row("map", One, |s| {
        let (f, record) = vocabulary::map(s.function(), s.record())?;
        s.calls(format_args!("map({f})"), record)
    }),
    row("mapValues", One, |s| {
        let (key, value) = s.pair()?;
        let (f, value) = vocabulary::map(s.function(), value)?;
        s.calls(format_args!("map_values({f})"), Type::pair(key.clone(), value))
    }),
    row("flatMap", One, |s| {
        let (f, record) = vocabulary::flat_map(s.function(), s.record())?;
        s.calls(format_args!("flat_map({f})"), record)
    }),
    row("flatMapValues", One, |s| {
        let (key, value) = s.pair()?;
        let (f, value) = vocabulary::flat_map(s.function(), value)?;
        s.calls(format_args!("flat_map_values({f})"), Type::pair(key.clone(), value))
    }),
    row("filter", One, |s| {
        let f = vocabulary::filter(s.function(), s.record())?;
        s.calls(format_args!("filter({f})"), s.record().clone())
    }),
    row("union", Many, |s| s.union(0..s.inputs.len())),
    row("repartition", One, |s| s.calls(format_args!("repartition({})", s.params["n"]), s.record().clone())),
    // A stream that is read twice is shared without being told to.
    row("persist", One, |s| Some((s.inputs[0].0.to_owned(), s.record().clone()))),
    row("count", One, |s| s.calls("count()", Int)),
    row("countByValue", One, |s| s.calls("count_by_value()", Type::pair(s.record().clone(), Int))),
    row("reduce", One, |s| {
        let f = vocabulary::reduce(s.function(), s.record())?;
        s.calls(format_args!("reduce({f})"), s.record().clone())
    }),
    row("reduceByKey", One, |s| {
        let f = vocabulary::reduce(s.function(), s.pair()?.1)?;
        s.calls(format_args!("reduce_by_key({f})"), s.record().clone())
    }),
    row("groupByKey", One, |s| {
        let (key, value) = s.pair()?;
        s.calls("group_by_key()", Type::pair(key.clone(), Type::list(value.clone())))
    }),
    row("combineByKey", One, |s| {
        let (key, value) = s.pair()?;
        let (f, combiner) = vocabulary::combine(s.function(), value)?;
        s.calls(format_args!("combine_by_key({f})"), Type::pair(key.clone(), combiner))
    }),
    row("cogroup", Many, |s| s.joins("cogroup", |v, w| (Type::list(v), Type::list(w)))),
    row("join", Many, |s| s.joins("join", |v, w| (v, w))),
    row("leftOuterJoin", Many, |s| s.joins("left_join", |v, w| (v, Type::option(w)))),
    row("rightOuterJoin", Many, |s| s.joins("right_join", |v, w| (Type::option(v), w))),
    row("fullOuterJoin", Many, |s| s.joins("full_join", |v, w| (Type::option(v), Type::option(w)))),
    row("transform", One, |s| {
        let (method, record) = vocabulary::transform(s.function(), s.record())?;
        s.calls(method, record)
    }),
    row("updateStateByKey", One, |s| s.updates_state()),
    // Both make two streams; `program.rs` binds them.
    row("mapWithState", One, |s| Some(s.maps_with_state()?.0)),
    row("mapWithState snapshots", One, |s| {
        let ((streams, _), states) = s.maps_with_state()?;
        Some((streams, states))
    }),
    // Spark's takes any function of the batches; these two are unions.
    row("StreamingContext.transform", Many, |s| match s.function() {
        "union in the order given" => s.union(0..s.inputs.len()),
        "union in the order 2,3,1" => s.union([1, 2, 0]),
        _ => None,
    }),
];

/// What the engine does not have yet.
const LATER: &[&str] = &[
    "glom",
    "mapPartitions",
    "transformWith",
    "window",
    "reduceByWindow",
    "countByWindow",
    "countByValueAndWindow",
    "groupByKeyAndWindow",
    "reduceByKeyAndWindow",
];

/// The operator's row; `None` for one that the engine does not have yet.
pub fn find(name: &str) -> Option<&'static Operator> {
    let found = OPERATORS.iter().find(|operator| operator.name == name);
    let later = LATER.contains(&name);
    assert!(
        found.is_some() != later,
        "operator `{name}` must be in one of the tables of `operators.rs`, and in one only"
    );
    found
}
