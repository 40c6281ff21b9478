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

#[test]
fn a_stream_is_arranged_once_and_the_plan_says_where() {
    let item = "#[batch(secs(1))] fn p<a: Source<(u64, u64)>, b: Source<(u64, u64)>, one: Sink<u64>, two: Sink<u64>, three: Sink<u64>, four: Sink<u64>, five: Sink<u64>>() {
        let kept = a.window(secs(2), secs(1)).distinct();
        let other = b.window(secs(2), secs(1)).distinct();
        kept.join(other).to(one);
        other.reduce_by_key(f).to(two);
        kept.map(g).reduce_by_key(f).to(three);
        kept.distinct().to(four);
        kept.semijoin(other).to(five);
    }";
    let (graph, said) = understood(item);
    assert_eq!(said, [""; 0]);
    let plan = plan::mermaid(&graph);
    assert!(plan.contains("join<br/>one<br/>both sides, by key: differential\""), "{plan}");
    assert!(
        plan.contains("reduce_by_key<br/>two<br/>all records, by key: differential, arranged with one\""),
        "{plan}"
    );
    assert!(plan.contains("reduce_by_key<br/>three<br/>all records, by key: differential\""), "{plan}"); // Here the records are the keys, and there only the left ones are pairs by key.
    assert!(plan.contains("distinct<br/>four<br/>all records, by key: differential\""), "{plan}");
    assert!(
        plan.contains("semijoin<br/>five<br/>both sides, by key: differential, arranged with one\""),
        "{plan}"
    );
}

#[test]
fn what_fails_is_drawn_to_its_end() {
    let item = "#[batch(secs(1))] fn p<a: Source<u64>, out: Sink<u64>>() {
        let (good, bad) = a.window(secs(2), secs(1)).try_map(f);
        good.to(out);
        bad.skip();
    }";
    let (graph, said) = understood(item);
    assert_eq!(said, [""; 0]);
    let plan = plan::mermaid(&graph);
    for line in [
        "op_good_bad__try_map -->|\"good\"| sink_out",
        "op_good_bad__try_map -->|\"bad\"| op_bad__skip",
        "op_bad__skip[\"skip<br/>bad\"]",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
}
