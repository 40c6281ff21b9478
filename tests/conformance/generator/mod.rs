//! From the cases' JSON to Rust source text.
//!
//! ```text
//! cases/*.json -- read --> Case -- program --> Pipeline or Skipped -- text --> conformance.rs
//!                                    |  operators: one row an operator
//!                                    |  vocabulary: the functions' closures
//!                                    |  types: record types, from the inputs on
//!                            harness --> a function of the suite, for kinds without programs
//! ```
//!
//! A new operator is one row in [`operators`]. What cannot be run is never dropped silently: it is counted
//! under its reason, and the suite's `conformance_coverage` knows the counts by heart.

mod harness;
mod operators;
mod program;
mod text;
mod types;
mod vocabulary;

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use harness::Harness;
use program::{Pipeline, Skipped};

/// A case as it stands in its file.
pub struct Case(Value);

impl Case {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("a case without `{field}`: {}", self.0))
    }

    fn id(&self) -> &str {
        self.text("id")
    }

    /// The case's name as a Rust identifier.
    fn name(&self) -> String {
        let mut name = String::new();
        for c in self.id().chars() {
            if c.is_uppercase() && name.ends_with(|last: char| last.is_lowercase()) {
                name.push('_');
            }
            name.push(if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        }
        name
    }
}

/// All cases of a directory, file by file.
pub fn read(directory: &Path) -> Vec<(String, Vec<Case>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("the cases are there")
        .map(|entry| entry.expect("the directory is readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).expect("the file is readable");
        let cases: Vec<Value> = serde_json::from_str(&text).expect("a case file is a JSON list");
        let path = fs::canonicalize(path).expect("it was just read");
        let path = path.to_str().expect("the path of the workspace is UTF-8").to_owned();
        (path, cases.into_iter().map(Case).collect())
    };
    files.into_iter().map(read).collect()
}

/// The source text of the suite.
pub fn generate(files: &[(String, Vec<Case>)]) -> String {
    // Cases with the same program and the same types share one pipeline: each costs a second of rustc's time.
    let mut pipelines: BTreeMap<Pipeline, String> = BTreeMap::new();
    let mut tests: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut harnessed: BTreeMap<String, (String, Harness)> = BTreeMap::new();
    let mut run: BTreeMap<String, usize> = BTreeMap::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for case in files.iter().flat_map(|(_, cases)| cases) {
        let mut runs =
            || *run.entry(format!("{}, {}", case.text("kind"), case.text("operator"))).or_default() += 1;
        if let Some(harness) = harness::harness(case) {
            match harness {
                Ok(harness) => {
                    harnessed.insert(case.name(), (case.id().to_owned(), harness));
                    runs();
                }
                Err(Skipped(reason)) => *skipped.entry(reason).or_default() += 1,
            }
            continue;
        }
        match program::pipeline(case) {
            Ok(pipeline) => {
                let name = pipelines.entry(pipeline).or_insert_with(|| case.name()).clone();
                let twin = tests.insert(case.name(), (case.id().to_owned(), name));
                assert!(twin.is_none(), "two cases are called `{}`", case.name());
                runs();
            }
            Err(Skipped(reason)) => *skipped.entry(reason).or_default() += 1,
        }
    }
    text::suite(files.iter().map(|(path, _)| path.as_str()), &pipelines, &tests, &harnessed, &run, &skipped)
}
