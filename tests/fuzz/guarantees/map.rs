//! The map from promises to tests.

use std::path::{Path, PathBuf};

/// The repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is a member of the workspace")
}

/// Where the test of a name may be: its module's file, or that of the module around.
fn places(name: &str) -> Vec<PathBuf> {
    let mut parts: Vec<&str> = name.split("::").collect();
    parts.pop();
    let base = match parts.remove(0) {
        "runtime" => root().join("streaming-runtime/src"),
        "macros" => root().join("streaming-macros/src/tests"),
        target => root().join("tests").join(target),
    };
    let mut places = Vec::new();
    // Unit tests stand in the file of what they test, or in a module `tests` of it.
    for parts in [parts.clone(), [&*parts, &["tests"]].concat()] {
        let of = base.join(parts.join("/"));
        places.extend([of.with_extension("rs"), of.join("mod.rs"), of.join("main.rs")]);
    }
    places
}

/// Whether there is a test of this name.
fn exists(name: &str) -> bool {
    if let Some(case) = name.strip_prefix("ui/") {
        return root().join("tests/ui").join(case).with_extension("rs").is_file();
    }
    let test = name.rsplit("::").next().expect("a split has a part");
    let text = places(name).into_iter().filter_map(|place| std::fs::read_to_string(place).ok());
    // Some are made by a macro from a list of names.
    text.into_iter().any(|text| {
        let lines = text.lines().map(str::trim);
        let mut names = lines.flat_map(|line| line.split([',', '(', ')', '{', '}', ' ', ':', '!', '<']));
        names.any(|word| word == test)
    })
}

#[test]
fn every_line_has_tests_that_exist() {
    let map = std::fs::read_to_string(root().join("docs/guarantees.md")).expect("it is there");
    let lines: Vec<&str> = map.lines().filter(|line| line.starts_with("| ")).collect();
    let lines = lines.into_iter().filter(|line| !line.starts_with("| line |"));
    assert!(!exists("joins::of_no_such_name") && !exists("ui/bounds/of_no_such_name"));
    let mut tests = 0;
    for line in lines {
        let (_, said) = line.trim_end_matches(" |").rsplit_once(" | ").expect("it has two columns");
        let names =
            said.split('`').skip(1).step_by(2).filter(|name| name.contains("::") || name.starts_with("ui/"));
        for name in names {
            assert!(exists(name), "there is no test `{name}`, which is to hold: {line}");
            tests += 1;
        }
        assert!(!said.trim().is_empty(), "no test: {line}");
    }
    assert!(tests > 100, "the map is read: {tests}");
}
