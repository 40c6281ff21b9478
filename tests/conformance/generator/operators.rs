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
    /// The whole case.
    pub case: &'a Value,
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

    /// A parameter that is given in batch intervals, as a duration; one batch where it is not given.
    fn duration(&self, param: &str) -> String {
        let batches = self.params[param].as_f64().unwrap_or(1.0);
        format!("millis({})", batches * self.batch_ms as f64)
    }

    /// The first stream's window.
    fn window(&self) -> String {
        format!("window({}, {})", self.duration("window"), self.duration("slide"))
    }

    /// The step's function with its inverse, if it has one: both of what windows merge, and of values of type `of`.
    fn merges(&self, of: &Type) -> Option<(&'static str, Option<&'static str>)> {
        let f = vocabulary::reduce(self.function(), of)?;
        match self.params["inv"].as_str() {
            Some(inverse) => Some((f, Some(vocabulary::reduce(inverse, of)?))),
            None => Some((f, None)),
        }
    }

    /// How many parts a batch has: those that it was last dealt out to, or those of the input.
    fn partitions(&self) -> u64 {
        let steps = self.case["program"].as_array().into_iter().flatten();
        let mut dealt =
            steps.filter(|step| step["op"] == "repartition").filter_map(|step| step["n"].as_u64());
        dealt.next_back().or(self.case["input_partitions"].as_u64()).unwrap_or(2)
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
        self.calls(format_args!("{call}.allow_unbounded(\"a case\")"), record)
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
    row("window", One, |s| s.calls(s.window(), s.record().clone())),
    row("reduceByWindow", One, |s| {
        let call = match s.merges(s.record())? {
            (f, None) => format!("reduce({f})"),
            (f, Some(inverse)) => format!("reduce_with_inverse({f}, {inverse}).allow_unbounded(\"a case\")"),
        };
        s.calls(format_args!("{}.{call}", s.window()), s.record().clone())
    }),
    // Spark's says nothing before the first record, where `window(..).count()` says 0.
    row("countByWindow", One, |s| {
        let counts = "reduce_with_inverse(|a, b| a + b, |a, b| a - b).allow_unbounded(\"a case\")";
        s.calls(format_args!("map(|_| 1_i64).{}.{counts}", s.window()), Int)
    }),
    row("countByValueAndWindow", One, |s| {
        let record = Type::pair(s.record().clone(), Int);
        s.calls(format_args!("{}.count_by_value()", s.window()), record)
    }),
    row("groupByKeyAndWindow", One, |s| {
        let (key, value) = s.pair()?;
        let record = Type::pair(key.clone(), Type::list(value.clone()));
        s.calls(format_args!("{}.group_by_key()", s.window()), record)
    }),
    row("reduceByKeyAndWindow", One, |s| {
        let (f, inverse) = s.merges(s.pair()?.1)?;
        let call = match (inverse, s.params["filter"].as_str()) {
            (None, None) => format!("reduce_by_key({f})"),
            (Some(inverse), None) => {
                format!("reduce_by_key_with_inverse({f}, {inverse}).allow_unbounded(\"a case\")")
            }
            (Some(inverse), Some(filter)) => {
                let filter = vocabulary::filter(filter, s.record())?;
                format!("reduce_by_key_with_inverse_and_filter({f}, {inverse}, {filter})")
            }
            (None, Some(_)) => return None,
        };
        s.calls(format_args!("{}.{call}", s.window()), s.record().clone())
    }),
    row("glom", One, |s| s.calls(format_args!("glom({})", s.partitions()), Type::list(s.record().clone()))),
    row("mapPartitions", One, |s| {
        let (f, record) = vocabulary::map_partitions(s.function(), s.record())?;
        s.calls(format_args!("map_partitions({}, {f})", s.partitions()), record)
    }),
    row("transform", One, |s| {
        let dataset = &s.case["datasets"][0];
        let (method, record) = vocabulary::transform(s.function(), s.record(), dataset)?;
        s.calls(method, record)
    }),
    row("updateStateByKey", One, |s| s.updates_state()),
    // Both make two streams; `program.rs` binds them.
    row("mapWithState", One, |s| Some(s.maps_with_state()?.0)),
    row("mapWithState snapshots", One, |s| {
        let ((streams, _), states) = s.maps_with_state()?;
        Some((streams, states))
    }),
    row("transformWith", Many, |s| {
        let (f, record) = vocabulary::transform_with(s.function(), s.record(), &s.inputs[1].1)?;
        s.calls(format_args!("transform_with({}, {f})", s.inputs[1].0), record)
    }),
    // Spark's takes any function of the batches; these are operators.
    row("StreamingContext.transform", Many, |s| match s.function() {
        "union in the order given" => s.union(0..s.inputs.len()),
        "union in the order 2,3,1" => s.union([1, 2, 0]),
        "pair (s1 union s2) with self, join s3" => {
            let [(one, of), (other, _), (third, pair)] = &s.inputs[..] else { return None };
            let record = Type::pair(of.clone(), Type::pair(of.clone(), pair.sides()?.1.clone()));
            Some((format!("{one}.union({other}).map(|x| (x.clone(), x)).join({third})"), record))
        }
        _ => None,
    }),
];

/// What the engine does not have yet.
const LATER: &[&str] = &[];

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
