//! A case's program as the body of a pipeline, or why there is none.

use serde_json::Value;

use super::{
    Case,
    operators::{self, Reads, Step},
    types::Type,
};

/// Everything that makes two pipelines different.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pipeline {
    pub batch_ms: u64,
    pub feed: Feed,
    /// The record types of the ports `in0`, `in1`, ...
    pub sources: Vec<Type>,
    /// The record type of the port `out`.
    pub sink: Type,
    /// The record type of the port `states`, for a case that shows the states of a `mapWithState` beside what it
    /// emits.
    pub states: Option<Type>,
    /// The statements.
    pub body: String,
}

/// Which connector feeds the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    /// `connect::queue`: the batches of the inputs.
    Batches,
    /// `connect::queue::shared`: datasets that are pushed while the job runs.
    Pushed,
    /// `connect::directory`: the lines of new files.
    Files,
}

/// Why a case is not run, in words that stand in the suite's list.
pub struct Skipped(pub String);

fn skipped<T>(reason: impl Into<String>) -> Result<T, Skipped> {
    Err(Skipped(reason.into()))
}

/// The kinds that need a harness of their own.
const LATER: &[&str] = &["ml", "property"];

/// The pipeline of a case.
pub fn pipeline(case: &Case) -> Result<Pipeline, Skipped> {
    let json = &case.0;
    if json["spark_quirk"] == true {
        return skipped("an accident of Spark's");
    }
    match json["expected_error"]["when"].as_str() {
        Some("build") => return skipped("a compile error here: see the UI tests"),
        Some("start") => return skipped("an error of Spark's start() that nothing here can cause"),
        _ => {}
    }
    match case.text("kind") {
        "stream" | "checkpoint_recovery" => program(json),
        "queue_stream" => {
            let datasets = items(&json["steps"]).iter().flat_map(items);
            let defaults = json["params"]["default"].as_array().into_iter().flatten();
            let record = Type::of_all(datasets.flat_map(items).chain(defaults));
            Ok(as_it_is(json, Feed::Pushed, record))
        }
        "slice" => {
            let batches = items(&json["inputs"][0]);
            Ok(as_it_is(json, Feed::Batches, Type::of_all(batches.iter().flat_map(items))))
        }
        "file_stream" => Ok(as_it_is(json, Feed::Files, Type::Text)),
        kind if LATER.contains(&kind) => skipped(format!("kind `{kind}`")),
        kind => panic!("kind `{kind}` is neither run nor listed in `program.rs`"),
    }
}

/// A pipeline that shows what its source gives.
fn as_it_is(json: &Value, feed: Feed, record: Type) -> Pipeline {
    let body = "in0.to(out);".to_owned();
    Pipeline {
        batch_ms: batch_ms(json),
        feed,
        sources: vec![record.clone()],
        sink: record,
        states: None,
        body,
    }
}

fn program(json: &Value) -> Result<Pipeline, Skipped> {
    let inputs = items(&json["inputs"]);
    let steps = items(&json["program"]);
    let missing =
        inputs.iter().flat_map(items).any(Value::is_null) || steps.iter().any(|s| s["fn"] == "return null");
    if missing {
        return skipped("no dataset at all in a batch: every batch here has one, if an empty one");
    }
    let sources: Vec<_> =
        inputs.iter().map(|input| Type::of_all(items(input).iter().flat_map(items))).collect();
    let mut streams: Vec<(String, Type)> =
        sources.iter().enumerate().map(|(n, record)| (format!("in{n}"), record.clone())).collect();
    let (mut body, mut states) = (String::new(), None);
    for params in steps {
        let named = |name: &Value| {
            let (name, record) =
                streams.iter().find(|(id, _)| name == id).expect("steps name earlier streams");
            (name.as_str(), record.clone())
        };
        let inputs: Vec<_> = match &params["of"] {
            Value::Array(names) => names.iter().map(named).collect(),
            name => vec![named(name)],
        };
        let op = params["op"].as_str().expect("a step has an operator");
        let Some(operator) = operators::find(op) else {
            return skipped(format!("operator `{op}`"));
        };
        match operator.reads {
            Reads::One => assert_eq!(inputs.len(), 1, "`{op}` reads one stream"),
            Reads::Many => assert!(inputs.len() > 1, "`{op}` reads several streams"),
        }
        let step = Step { params, inputs, batch_ms: batch_ms(json), case: json };
        let Some((stream, record)) = (operator.made)(&step) else {
            return skipped(format!("operator `{op}`, function `{}`", step.function()));
        };
        let id = params["id"].as_str().expect("a step has an id").to_owned();
        let binds = match op {
            "mapWithState" if json["expected_state"].is_array() => {
                states = step.maps_with_state().map(|(_, states)| (format!("{id}_states"), states));
                format!("({id}, {id}_states)")
            }
            "mapWithState" => format!("({id}, _)"),
            "mapWithState snapshots" => format!("(_, {id})"),
            _ => id.clone(),
        };
        body += &format!("let {binds} = {stream};\n");
        streams.push((id, record));
    }
    let (last, sink) = streams.pop().expect("a program has a step");
    body += &format!("{last}.to(out);");
    let states = states.map(|(name, states)| {
        body += &format!("\n{name}.to(states);");
        states
    });
    Ok(Pipeline { batch_ms: batch_ms(json), feed: Feed::Batches, sources, sink, states, body })
}

fn batch_ms(json: &Value) -> u64 {
    json["batch_ms"].as_u64().unwrap_or(1000)
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
