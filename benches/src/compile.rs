//! What a pipeline costs to compile: checking after an edit, the macro, a release build.
//!
//! Estimate, before the first run: an incremental `cargo check` of a crate with one pipeline is rustc's own
//! 0.3 s and the reading of the runtime's metadata; the macro is under a millisecond of it. A release build
//! pays for one fused operator, its map and its channels: 1-2 s of CPU a pipeline.
//!
//! Of a family of operators with a key and a value of its own, estimated before the first run, in s of CPU: a reduce of
//! a batch 1 (a map, an exchange's channel); with a window behind it 2 (slots, panes, the outputs); its changes
//! 0.3 more; a window's distinct 2.5 (as a windowed reduce, and a map over both forms); groups of a batch 1.2.

mod programs;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use contenders::measure::{Row, Runs};

pub fn run(runs: Runs) -> Vec<Row> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let krate = scratch.path();
    fs::create_dir_all(krate.join("src")).expect("a directory");
    let manifest = format!(
        "[package]\nname = \"scratch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nstreaming-runtime = {{ path = {:?} }}\n",
        root.join("streaming-runtime")
    );
    fs::write(krate.join("Cargo.toml"), manifest).expect("a manifest");
    fs::copy(root.join("Cargo.lock"), krate.join("Cargo.lock")).expect("the lock file");
    let repeat = if runs.quick { 3 } else { 7 };
    let mut rows = Vec::new();
    let mut row = |what: &str, seconds: f64| {
        rows.push(Row {
            workload: "compile",
            params: BTreeMap::from([("what", what.into())]),
            engine: "stream",
            workers: 1,
            seconds: Some(seconds),
            ..Row::default()
        });
    };

    let check = |pipelines: usize, turn: usize| {
        write_crate(krate, pipelines, turn);
        cargo(krate, &["check"])
    };
    check(1, 0);
    row(
        "check after editing a closure, 1 pipeline",
        median((1..=repeat).map(|turn| check(1, turn)).collect()),
    );
    let many = 21;
    check(many, 0);
    let with_many = median((1..=repeat).map(|turn| check(many, turn)).collect());
    row("check after editing a closure, 21 pipelines", with_many);

    // The dependencies once; then the crate alone, from scratch each time.
    let build = |pipelines: usize, turn: usize| {
        write_crate(krate, pipelines, turn);
        cargo(krate, &["build", "--release"])
    };
    build(1, 0);
    let one = median((1..=3).map(|turn| build(1, turn)).collect());
    let six = median((1..=3).map(|turn| build(6, turn)).collect());
    row("release build, 1 pipeline", one);
    row("release build, each extra pipeline of its own types", (six - one) / 5.0);

    for (what, operators) in FAMILIES {
        let build = |types: usize, turn: usize| {
            write_family(krate, *operators, types, turn);
            let before = children_cpu_seconds();
            cargo(krate, &["build", "--release"]);
            children_cpu_seconds() - before
        };
        let turns = if runs.quick { 1 } else { 3 };
        let one = median((1..=turns).map(|turn| build(1, turn)).collect());
        let more = median((1..=turns).map(|turn| build(1 + TYPES, turn)).collect());
        row(what, (more - one) / TYPES as f64);
    }

    let expand = Command::new("cargo")
        .args([
            "test",
            "--release",
            "-p",
            "streaming-macros",
            "--",
            "--ignored",
            "--nocapture",
            "expansion_time",
        ])
        .current_dir(&root)
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&expand.stdout).into_owned();
    let micros =
        text.lines().find_map(|line| line.split("us an expansion: ").nth(1)?.trim().parse::<f64>().ok());
    row("the macro, an expansion", micros.expect("the test prints its figure") / 1e6);
    rows.extend(programs::run(&root, runs));
    rows
}

/// Families of operators on a stream `records` of pairs, and the type of what they give of a key and an `i64`. A new
/// operator by key is one more line.
const FAMILIES: &[(&str, (&str, &str))] = &[
    ("release build, CPU s a type: to a sink as it is", ("", "(Key, i64)")),
    ("release build, CPU s a type: reduce_by_key of a batch", (".reduce_by_key(|a, b| a + b)", "(Key, i64)")),
    ("release build, CPU s a type: group_by_key of a batch", (".group_by_key()", "(Key, Vec<i64>)")),
    (
        "release build, CPU s a type: windowed reduce_by_key",
        (".window(secs(9), secs(1)).reduce_by_key(|a, b| a + b)", "(Key, i64)"),
    ),
    (
        "release build, CPU s a type: windowed reduce_by_key, changes",
        (".window(secs(9), secs(1)).reduce_by_key(|a, b| a + b).changes()", "((Key, i64), i64)"),
    ),
    (
        "release build, CPU s a type: windowed distinct",
        (".map(|(key, _)| key).window(secs(9), secs(1)).distinct()", "Key"),
    ),
];

/// Types beyond the first that the cost of one is taken from.
const TYPES: usize = 4;

/// A crate with one pipeline for each of so many key types. Its sources and sinks are the same for all families, so
/// the first of them is what the others cost less of.
fn write_family(krate: &Path, (operators, out): (&str, &str), types: usize, turn: usize) {
    let mut source = String::from("use streaming_runtime::{connect::{collect, queue}, prelude::*};\n");
    for i in 1..=types {
        source += &format!(
            "mod m{i} {{ use super::*; pub type Key = (String, [u8; {i}]);\n\
             stream!(#[batch(secs(1))] pub fn p<records: Source<(Key, i64)>, out: Sink<{out}>>() {{\n\
             records.filter(|(_, n)| *n != {turn}){operators}.to(out);\n}});\n\
             pub fn start() {{ drop(Engine::new().start(p::Ports {{ records: queue(vec![]), out: collect().0 }})); }} }}\n"
        );
    }
    source += "fn main() {\n";
    (1..=types).for_each(|i| source += &format!("m{i}::start();\n"));
    source += "}\n";
    fs::write(krate.join("src/main.rs"), source).expect("a source file");
}

/// CPU seconds, user and system, of the processes that this one has started and waited for, in steps of 10 ms.
fn children_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the command's name: cutime and cstime are the 14th and 15th.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13);
    fields.take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() as f64 / 100.0
}

/// A crate of word counts, each with record types of its own; `turn` changes a closure.
fn write_crate(krate: &Path, pipelines: usize, turn: usize) {
    let mut source = String::from("use streaming_runtime::prelude::*;\n");
    for i in 0..pipelines {
        source += &format!(
            "stream!(#[batch(secs(1))] pub fn count_{i}<lines: Source<String>, counts: Sink<((String, [u8; {i}]), i64)>>() {{\n\
             let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));\n\
             words.map(|word| ((word, [{turn}u8; {i}]), {turn})).reduce_by_key(|a, b| a + b).to(counts);\n}});\n"
        );
    }
    source += "use streaming_runtime::connect::{console, tcp};\nfn main() {\n";
    for i in 0..pipelines {
        let ports = format!("count_{i}::Ports {{ lines: tcp::lines(\"127.0.0.1:9\"), counts: console() }}");
        source += &format!("drop(Engine::new().start({ports}));\n");
    }
    source += "}\n";
    fs::write(krate.join("src/main.rs"), source).expect("a source file");
}

fn cargo(krate: &Path, arguments: &[&str]) -> f64 {
    let started = Instant::now();
    let status = Command::new("cargo").args(arguments).args(["-q", "--offline"]).current_dir(krate).status();
    assert!(status.expect("cargo runs").success(), "the scratch crate compiles");
    started.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
