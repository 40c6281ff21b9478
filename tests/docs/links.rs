//! Links from document to document.

use std::path::PathBuf;

use crate::{find, root, text};

/// The documents that people read in the repository.
fn documents() -> Vec<PathBuf> {
    let mut found =
        ["README.md", "CHANGELOG.md", "benches/peers/README.md"].map(|name| root().join(name)).to_vec();
    find(&root().join("docs"), "md", &mut found);
    find(&root().join("streaming-runtime/src/guide"), "md", &mut found);
    found
}

/// Where the links of a line lead: `[text](target)`, and `[label]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    inline.chain(defined).collect()
}

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    heading.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for document in documents() {
        let text_of = text(&document);
        let mut is_code = false;
        for line in text_of.lines() {
            is_code ^= line.trim_start().starts_with("```");
            if is_code {
                continue;
            }
            for target in targets(line).into_iter().filter(|target| !target.starts_with("http")) {
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let directory = document.parent().expect("a file is in a directory");
                let linked = if file.is_empty() { document.clone() } else { directory.join(file) };
                assert!(linked.exists(), "{}: nothing is at `{target}`", document.display());
                if !heading.is_empty() {
                    let headings = text(&linked);
                    let mut headings = headings.lines().filter(|line| line.starts_with('#'));
                    assert!(
                        headings.any(|line| anchor(line) == heading),
                        "{}: no heading is at `{target}`",
                        document.display()
                    );
                }
                links += 1;
            }
        }
    }
    assert!(links > 30, "the documents are read: {links} links");
}

/// What docs and comments name by its path is in the repository.
#[test]
fn paths_lead_somewhere() {
    let mut sources = documents();
    for crates in ["streaming-runtime/src", "streaming-macros/src", "examples"] {
        find(&root().join(crates), "rs", &mut sources);
    }
    let mut paths = 0;
    for source in sources {
        for line in text(&source).lines() {
            for word in line.split('`').skip(1).step_by(2) {
                let is_ours =
                    ["docs/", "examples/", "tests/", "benches/"].iter().any(|room| word.starts_with(room));
                let is_made = word.contains("/."); // by a run
                if is_ours && !is_made && word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c)) {
                    assert!(root().join(word).exists(), "{}: nothing is at `{word}`", source.display());
                    paths += 1;
                }
            }
        }
    }
    assert!(paths > 20, "sources are read: {paths} paths");
}

/// A stranger reads it to its end.
#[test]
fn the_readme_is_short() {
    let lines = text(&root().join("README.md")).lines().count();
    assert!(lines <= 150, "the README has {lines} lines");
}

/// Each guide is a page of the docs, so its programs are compiled and run.
#[test]
fn every_guide_is_a_page() {
    let guides = root().join("streaming-runtime/src/guide");
    let pages = text(&guides.join("mod.rs")) + &text(&guides.join("../lib.rs"));
    let mut found = Vec::new();
    find(&guides, "md", &mut found);
    for guide in found {
        let name = guide.file_name().expect("a file has a name").to_string_lossy().into_owned();
        assert!(pages.contains(&name), "no module takes in `{name}`");
    }
}
