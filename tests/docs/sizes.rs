//! A file fits in a head.

use std::path::PathBuf;

use crate::{find, root, text};

/// The most lines of a file.
const LIMIT: usize = 400;

/// Where sources are.
const DIRECTORIES: [&str; 5] =
    ["streaming-runtime/src", "streaming-macros/src", "tests", "benches", "examples"];

/// Files that are longer, and why they are no two.
const LONGER: &[(&str, &str)] = &[
    ("streaming-macros/src/resolve/operator.rs", "it is being split"),
    ("streaming-runtime/src/intake/source_context.rs", "it is being split"),
];

#[test]
fn no_file_is_longer_than_fits_in_a_head() {
    let mut files: Vec<PathBuf> = Vec::new();
    DIRECTORIES.iter().for_each(|directory| find(&root().join(directory), "rs", &mut files));
    assert!(files.len() > 400, "the files are found");
    let longer = files.iter().filter_map(|file| {
        let lines = text(file).lines().count();
        let name = file.strip_prefix(root()).expect("it is below").to_str().expect("names are plain");
        (lines > LIMIT).then(|| (name.replace('\\', "/"), lines))
    });
    let longer: Vec<_> = longer.filter(|(name, _)| LONGER.iter().all(|(known, _)| known != name)).collect();
    assert!(longer.is_empty(), "split by subject what has more than {LIMIT} lines: {longer:#?}");
}
