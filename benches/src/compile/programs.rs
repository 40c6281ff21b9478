//! What a release build of a program costs, in CPU time: three of them, as a user would write them, each with types of its own,
//! beside one that does nothing. Dependencies are built before.
//!
//! Estimate, before the first run: what is left to each program is one or two fused loops, a hash map, what timely makes of
//! each channel's type, and serde of its types: 2 s for a word count, twice as much for a window, and three times for a join.
//!
//! Lines of LLVM's input are counted beside it, of one codegen unit and before any pass: the same on every machine.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use contenders::measure::{Row, Runs};

use super::{cargo, children_cpu_seconds, median};

const PROGRAMS: &[(&str, &str)] = &[
    ("empty", include_str!("programs/empty.rs")),
    ("count", include_str!("programs/count.rs")),
    ("window", include_str!("programs/window.rs")),
    ("join", include_str!("programs/join.rs")),
];

/// What the programs need beside the runtime.
const DEPENDENCIES: &str = "serde = { version = \"1\", features = [\"derive\"] }\n\
                            tokio = { version = \"1\", features = [\"rt-multi-thread\", \"macros\"] }\n";

pub(super) fn run(root: &Path, runs: Runs) -> Vec<Row> {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let all = scratch.path();
    let names: Vec<_> = PROGRAMS.iter().map(|(name, _)| format!("{name:?}")).collect();
    let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", names.join(", "));
    fs::write(all.join("Cargo.toml"), workspace).expect("a manifest");
    fs::copy(root.join("Cargo.lock"), all.join("Cargo.lock")).expect("the lock file");
    for (name, source) in PROGRAMS {
        fs::create_dir_all(all.join(name).join("src")).expect("a directory");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n\
             streaming-runtime = {{ path = {:?} }}\n{DEPENDENCIES}",
            root.join("streaming-runtime")
        );
        fs::write(all.join(name).join("Cargo.toml"), manifest).expect("a manifest");
        fs::write(all.join(name).join("src/main.rs"), source).expect("a source file");
    }
    cargo(all, &["build", "--release"]);
    let turns = if runs.quick { 1 } else { 3 };
    PROGRAMS.iter().map(|(name, source)| row(all, name, source, turns)).collect()
}

/// Builds a program anew several times, and counts its lines.
fn row(all: &Path, name: &str, source: &str, turns: usize) -> Row {
    let build = |turn| {
        // Another source, so that cargo builds it.
        fs::write(all.join(name).join("src/main.rs"), format!("{source}\n// {turn}\n"))
            .expect("a source file");
        let before = children_cpu_seconds();
        let seconds = cargo(all, &["build", "--release", "-p", name]);
        (seconds, children_cpu_seconds() - before)
    };
    let (seconds, cpu): (Vec<_>, Vec<_>) = (0..turns).map(build).unzip();
    let lines = llvm_lines(all, name);
    Row {
        workload: "compile",
        params: BTreeMap::from([
            ("what", format!("release build of a program: {name}").into()),
            ("llvm_lines", lines.into()),
        ]),
        engine: "stream",
        workers: 1,
        seconds: Some(median(seconds)),
        cpu_seconds: Some(median(cpu.clone())),
        runs: cpu,
        ..Row::default()
    }
}

/// How many lines of LLVM's input are in the functions of a program.
fn llvm_lines(all: &Path, name: &str) -> u64 {
    let target = all.join("lines");
    let status = Command::new("cargo")
        .args(["rustc", "--release", "-q", "--offline", "-p", name, "--bin", name, "--", "--emit=llvm-ir"])
        .args(["-Cno-prepopulate-passes", "-Ccodegen-units=1"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(all)
        .status();
    assert!(status.expect("cargo runs").success(), "{name} compiles");
    let files = fs::read_dir(target.join("release/deps")).expect("a directory");
    let is_ours = |path: &Path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        path.extension().is_some_and(|end| end == "ll") && stem.starts_with(&format!("{name}-"))
    };
    let mut paths = files.flatten().map(|file| file.path());
    let path = paths.find(|path| is_ours(path)).expect("rustc has written it");
    let text = fs::read_to_string(path).expect("it is text");
    let mut inside = false;
    let mut lines = 0;
    for line in text.lines() {
        match inside {
            true if line.starts_with('}') => inside = false,
            true => lines += 1,
            false => inside = line.starts_with("define"),
        }
    }
    lines
}
