//! The plans of the six programs that the macro was designed for.

use super::{programs, understood};
use crate::plan;

fn drawn(item: &str) -> String {
    let (graph, said) = understood(item);
    assert_eq!(said, [""; 0], "the program is right");
    format!("{}{}{}", plan::mermaid(&graph), plan::dot(&graph), plan::operators(&graph).join("\n"))
}

#[test]
fn word_count() {
    insta::assert_snapshot!(drawn(programs::WORD_COUNT));
}

#[test]
fn trending() {
    insta::assert_snapshot!(drawn(programs::TRENDING));
}

#[test]
fn attribution() {
    insta::assert_snapshot!(drawn(programs::ATTRIBUTION));
}

#[test]
fn running() {
    insta::assert_snapshot!(drawn(programs::RUNNING));
}

#[test]
fn orders() {
    insta::assert_snapshot!(drawn(programs::ORDERS));
}

#[test]
fn components() {
    insta::assert_snapshot!(drawn(programs::COMPONENTS));
}

#[test]
fn a_type_cannot_break_the_drawing() {
    let item = "#[batch(secs(1))] fn p<a: Source<HashMap<String, Vec<&'static str>>>, out: Sink<Box<dyn Fn(u64) -> u64 + Send>>>() { a.map(f).to(out); }";
    let (graph, _) = understood(item);
    assert!(
        plan::mermaid(&graph)
            .contains("HashMap#lt;String, Vec#lt;&'static str#gt;#gt;".replace('&', "#amp;").as_str())
    );
    assert!(plan::dot(&graph).contains("Box<dyn Fn(u64) -> u64 + Send>"));
}
