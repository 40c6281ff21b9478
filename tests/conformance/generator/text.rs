//! Writes the suite. What all pipelines have in common is generic code of the suite's, not text of ours.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    harness::Harness,
    program::{Feed, Pipeline},
};

type Counts = BTreeMap<String, usize>;

/// All items of the suite: the files, the pipelines by name, the tests by name, and what was counted.
pub fn suite<'a>(
    files: impl Iterator<Item = &'a str>,
    pipelines: &BTreeMap<Pipeline, String>,
    tests: &BTreeMap<String, (String, String)>,
    harnessed: &BTreeMap<String, (String, Harness)>,
    run: &Counts,
    skipped: &Counts,
) -> String {
    let mut out = String::new();
    let files: String = files.map(|path| format!("include_str!({path:?}), ")).collect();
    line(&mut out, &format!("pub const FILES: &[&str] = &[{files}];"));
    line(&mut out, &format!("pub const RUN: &[(&str, usize)] = &{:?};", run.iter().collect::<Vec<_>>()));
    line(
        &mut out,
        &format!("pub const SKIPPED: &[(&str, usize)] = &{:?};", skipped.iter().collect::<Vec<_>>()),
    );
    for (pipeline, name) in pipelines {
        line(&mut out, &module(pipeline, name));
    }
    for (test, (id, pipeline)) in tests {
        line(&mut out, &format!("mod {test} {{"));
        for (name, workers) in [("on_1_worker", 1), ("on_2_workers", 2)] {
            let call = format!("super::check({id:?}, {workers}, super::pipeline_{pipeline}::start)");
            line(&mut out, &format!("    #[test]\n    fn {name}() {{\n        {call};\n    }}"));
        }
        line(&mut out, "}");
    }
    for (test, (id, Harness { function, by_workers })) in harnessed {
        line(&mut out, &format!("mod {test} {{"));
        let calls = match by_workers {
            false => vec![("holds", format!("({id:?})"))],
            true => vec![("on_1_worker", format!("({id:?}, 1)")), ("on_2_workers", format!("({id:?}, 2)"))],
        };
        for (name, arguments) in calls {
            line(
                &mut out,
                &format!("    #[test]\n    fn {name}() {{\n        super::{function}{arguments};\n    }}"),
            );
        }
        line(&mut out, "}");
    }
    out
}

fn module(pipeline: &Pipeline, name: &str) -> String {
    let Pipeline { batch_ms, feed, sources, sink, states, body } = pipeline;
    let connector = match feed {
        Feed::Batches => "batches",
        Feed::Pushed => "pushed",
        Feed::Files => "files",
    };
    let ports: String =
        (0..).zip(sources).map(|(n, record)| format!("in{n}: Source<{}>, ", record.rust())).collect();
    let wires: String = (0..sources.len()).map(|n| format!("in{n}: given.{connector}({n}), ")).collect();
    let (sinks, collects, wired, with) = match states {
        None => (String::new(), "", "", ""),
        Some(states) => (
            format!(", states: Sink<{}>", states.rust()),
            "let (states, collected_states) = collect();",
            ", states",
            ".map(|started| started.with_states(collected_states))",
        ),
    };
    let body = body.replace('\n', "\n            ");
    format!(
        "mod pipeline_{name} {{
    use super::*;
    stream!(
        #[batch(millis({batch_ms}))]
        fn pipeline<{ports}out: Sink<{}>{sinks}>() {{
            {body}
        }}
    );
    pub fn start(engine: &Engine, given: &Given) -> Result<Started, StartError> {{
        let (out, collected) = collect();
        {collects}
        started(engine, pipeline::Ports {{ {wires}out{wired} }}, collected){with}
    }}
}}",
        sink.rust()
    )
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes everything");
}
