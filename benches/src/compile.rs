//! What a pipeline costs to compile: checking after an edit, the macro, a release build.
//!
//! Estimate, before the first run: an incremental `cargo check` of a crate with one pipeline is rustc's own
//! 0.3 s and the reading of the runtime's metadata; the macro is under a millisecond of it. A release build
//! pays for one fused operator, its map and its channels: 1-2 s of CPU a pipeline.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use crate::measure::{Row, Runs};

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
    rows
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
