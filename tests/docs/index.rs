//! The index of operators, and the pages of operators.

use crate::{find, root, text};

/// A public method of `Stream`, and its docs.
struct Operator {
    name: String,
    docs: Vec<String>,
}

fn operators() -> Vec<Operator> {
    let mut sources = Vec::new();
    find(&root().join("streaming-runtime/src"), "rs", &mut sources);
    let mut operators = Vec::new();
    for source in sources {
        let (mut is_stream, mut docs) = (false, Vec::new());
        for line in text(&source).lines() {
            if line.starts_with("impl") {
                is_stream = line.contains("> Stream<'") && !line.contains(" for ");
            }
            let inside = line.strip_prefix("    ").filter(|line| is_stream && !line.starts_with(' '));
            let Some(line) = inside else { continue };
            if line.starts_with("///") || line.starts_with("#[") {
                docs.push(line.to_owned());
                continue;
            }
            if let Some(method) = line.strip_prefix("pub fn ") {
                let end =
                    method.find(|c: char| !c.is_alphanumeric() && c != '_').expect("a method has parameters");
                operators.push(Operator { name: method[..end].to_owned(), docs: docs.clone() });
            }
            docs.clear();
        }
    }
    operators.retain(|operator| !operator.docs.iter().any(|line| line.contains("doc(hidden)")));
    operators
}

#[test]
fn the_index_lacks_no_operator() {
    let index = text(&root().join("streaming-runtime/src/guide/operators.md"));
    let operators = operators();
    assert!(operators.len() > 50, "sources are read: {}", operators.len());
    let missing: Vec<_> = operators
        .iter()
        .map(|operator| &*operator.name)
        .filter(|name| !index.contains(&format!("[`{name}`]")))
        .collect();
    assert!(missing.is_empty(), "not in guide/operators.md: {missing:?}");
}

/// In the repository a name leads to a file. On the front page it leads to its own page, if it is defined there first.
#[test]
fn names_of_the_indexes_lead_to_their_pages() {
    let source = root().join("streaming-runtime/src");
    let front = text(&source.join("lib.rs"));
    for index in ["operators", "connectors"] {
        let index = text(&source.join("guide").join(index).with_extension("md"));
        let labels = index.lines().filter_map(|line| line.split_once("]: ")).map(|(label, _)| label);
        let lost: Vec<_> = labels.filter(|label| !front.contains(&format!("//! {label}]: "))).collect();
        assert!(lost.is_empty(), "define them in lib.rs, before the index: {lost:?}");
    }
}

#[test]
fn every_operator_has_an_example() {
    let lacks = |operator: &Operator| !operator.docs.iter().any(|line| line.starts_with("/// ```"));
    let without: Vec<_> = operators().into_iter().filter(lacks).map(|operator| operator.name).collect();
    assert!(without.is_empty(), "without a program: {without:?}");
}

/// What it holds, or that it holds nothing.
#[test]
fn every_operator_says_what_it_stores() {
    let lacks = |operator: &Operator| !operator.docs.iter().any(|line| line.contains("State:"));
    let without: Vec<_> = operators().into_iter().filter(lacks).map(|operator| operator.name).collect();
    assert!(without.is_empty(), "these do not say what they store: {without:?}");
}
