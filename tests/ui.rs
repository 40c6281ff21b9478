//! What `stream!` and the compiler say about a program with one mistake in it, and programs with none.
//!
//! One file a mistake, by topic, with the words beside it. Regenerate the words with
//! `TRYBUILD=overwrite cargo test -p tests --test ui`, and read them as a user would: the second half of the
//! test counts the errors, so that nobody accepts a wall by accident.
//!
//! `ui/mistakes` holds what newcomers write who know Spark, Flink, iterators, tokio or timely, by kind. The first line of a
//! case is its fix, chosen before the words were seen: what they must contain. Not every one can be met, so these are counted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use said::Said;

#[path = "ui/right/mod.rs"]
mod right;
#[path = "ui/said.rs"]
mod said;

const TOPICS: [&str; 20] = [
    "header",
    "wiring",
    "values",
    "records",
    "types",
    "keys",
    "closures",
    "fallible",
    "formats",
    "operators",
    "graph",
    "windows",
    "joins",
    "bounds",
    "loops",
    "state",
    "aggregates",
    "transform",
    "stages",
    "syntax",
];

/// Programs whose one mistake rustc reports more than once, how often, and why it is not ours to change.
const MORE_THAN_ONE: [(&str, usize, &str); 2] = [
    (
        "operators/unknown_function",
        2,
        "whether a function is a stage is asked by importing its name, which rustc reports as it does the call",
    ),
    (
        "records/borrowed_from_a_record",
        3,
        "lifetimes are checked last, each bound for itself; the first error is the one that helps",
    ),
];

/// How many of a hundred mistakes of newcomers are one error, speak in words of streams, and name the fix.
const BARS: [(&str, usize); 3] = [("one error", 96), ("words of streams", 91), ("names the fix", 90)];

#[test]
fn each_mistake_is_one_error_in_the_words_of_streams() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    for folder in folders(&root) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let is_known = name == "right" || name == "mistakes" || TOPICS.contains(&name.as_str());
        assert!(is_known, "`ui/{name}` is no topic of this test");
    }
    {
        let cases = trybuild::TestCases::new();
        TOPICS.iter().for_each(|topic| cases.compile_fail(format!("ui/{topic}/*.rs")));
        cases.compile_fail("ui/mistakes/*/*.rs");
        // The cases run when `cases` is dropped.
    }
    let cases: Vec<PathBuf> = TOPICS.iter().flat_map(|topic| programs(&root.join(topic))).collect();
    assert!(cases.len() >= 45, "only {} cases were found", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| judged(&root, case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn newcomers_are_told_what_to_write() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/mistakes");
    let cases: Vec<PathBuf> = folders(&root).iter().flat_map(|kind| programs(kind)).collect();
    assert!(cases.len() >= 150, "only {} cases were found", cases.len());
    let mut missed = [vec![], vec![], vec![]];
    for case in &cases {
        let program = fs::read_to_string(case).expect("a case can be read");
        let fix = program.lines().next().and_then(|line| line.strip_prefix("//! fix: "));
        let fix = fix.unwrap_or_else(|| panic!("{}: the first line is not `//! fix: ..`", case.display()));
        let said = Said::of(case);
        let met = [said.errors().len() == 1, said.is_of(&program), said.names(fix)];
        for (missed, _) in missed.iter_mut().zip(met).filter(|(_, met)| !met) {
            missed.push(case.strip_prefix(&root).expect("a case lies below its root").display().to_string());
        }
    }
    for ((what, bar), missed) in BARS.into_iter().zip(missed) {
        let met = 100 * (cases.len() - missed.len()) / cases.len();
        println!("{what}: {met} of 100, all but\n    {}", missed.join("\n    "));
        assert!(met >= bar, "{what}: {met} of 100, which should be {bar}");
    }
}

/// The folders of a folder.
fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).expect("the cases are here");
    entries.map(|entry| entry.expect("a folder").path()).filter(|path| path.is_dir()).collect()
}

/// The cases of a folder.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a topic has cases");
    let files = entries.map(|entry| entry.expect("a file").path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Whether what is said about a case is short and in the user's words.
fn judged(root: &Path, case: &Path) -> Result<(), String> {
    let name = case.strip_prefix(root).expect("a case lies below its root").with_extension("");
    let name = name.to_string_lossy().into_owned();
    let said = Said::of(case);
    let errors = said.errors();
    let allowed = MORE_THAN_ONE.iter().find(|(known, ..)| *known == name).map_or(1, |(_, count, _)| *count);
    if errors.len() != allowed {
        return Err(format!("{name}: {} errors, not {allowed}: {errors:#?}", errors.len()));
    }
    if said.is_internal() {
        return Err(format!("{name}: {}", errors[0]));
    }
    Ok(())
}

/// Nothing that the macro writes names the runtime, so a program may call it what it likes.
#[test]
fn a_renamed_dependency_works() {
    let program = "
        use flow::prelude::*;
        stream!(
            #[batch(secs(1))]
            pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>(least: usize) {
                let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
                let long = words.filter(move |word| word.len() >= least);
                long.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
            }
        );
        pub fn started(lines: flow::connect::ChannelSource<String>) {
            let ports = word_count::Ports { lines, counts: flow::connect::console(), least: 3 };
            drop(Engine::new().start(ports));
        }
    ";
    let scratch = tempfile::tempdir().expect("a temporary directory");
    fs::write(scratch.path().join("program.rs"), program).expect("a source file");
    // Cargo put the runtime beside this test.
    let test = std::env::current_exe().expect("this test has a path");
    let libraries = test.parent().expect("it lies in a directory");
    let is_runtime = |path: &PathBuf| {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        name.starts_with("libstreaming_runtime-") && name.ends_with(".rlib")
    };
    let files =
        fs::read_dir(libraries).expect("the directory is there").map(|entry| entry.expect("a file").path());
    let newest =
        |path: &PathBuf| path.metadata().and_then(|data| data.modified()).expect("a file has a date");
    let runtime = files.filter(is_runtime).max_by_key(newest).expect("the runtime was built for this test");
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "-Dwarnings"])
        .arg("--extern")
        .arg(format!("flow={}", runtime.display()))
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("program.rs")
        .current_dir(scratch.path())
        .output()
        .expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
