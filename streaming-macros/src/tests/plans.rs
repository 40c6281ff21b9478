//! The plans of the six programs that the macro was designed for.

use super::{operators, own, programs, understood};
use crate::{graph::Graph, plan};

/// As the runtime draws it.
#[allow(dead_code)]
#[path = "../../../streaming-runtime/src/observe/plan/drawing.rs"]
mod drawing;

fn mermaid(graph: &Graph) -> String {
    draw(graph, drawing::Notation::Mermaid)
}

fn dot(graph: &Graph) -> String {
    draw(graph, drawing::Notation::Dot)
}

fn draw(graph: &Graph, notation: drawing::Notation) -> String {
    let plan = own(plan::encoded(graph));
    let mut bytes = vec![0; drawing::drawn_length(&plan, notation)];
    drawing::draw(&plan, notation, &mut bytes);
    String::from_utf8(bytes).expect("a drawing is text")
}

fn drawn(item: &str) -> String {
    let (graph, said) = understood(item);
    assert_eq!(said, [""; 0], "the program is right");
    format!("{}{}{}", mermaid(&graph), dot(&graph), operators(&graph).join("\n"))
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
        mermaid(&graph)
            .contains("HashMap#lt;String, Vec#lt;&'static str#gt;#gt;".replace('&', "#amp;").as_str())
    );
    assert!(dot(&graph).contains("Box<dyn Fn(u64) -> u64 + Send>"));
}

#[test]
fn the_plan_says_how_what_is_kept_is_joined_and_aggregated() {
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
    let plan = mermaid(&graph);
    for line in [
        "join<br/>one<br/>both sides, by key: symmetric hash join",
        "reduce_by_key<br/>two<br/>all records, by key: in order of arrival",
        "reduce_by_key<br/>three<br/>all records, by key: in order of arrival",
        "distinct<br/>four<br/>all records, by key: in order of arrival",
        "semijoin<br/>five<br/>both sides, by key: symmetric hash join",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
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
    let plan = mermaid(&graph);
    for line in [
        "op_good_bad__try_map -->|\"good\"| sink_out",
        "op_good_bad__try_map -->|\"bad\"| op_bad__skip",
        "op_bad__skip[\"skip<br/>bad\"]",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
}

#[test]
fn the_plan_knows_the_shorthands_of_aggregates_by_key() {
    let item = "#[batch(secs(1))] fn p<a: Source<(u64, u64)>, one: Sink<u64>, two: Sink<u64>, three: Sink<u64>, four: Sink<u64>>() {
        let recent = a.window(secs(2), secs(1));
        recent.count_by_key().to(one);
        recent.sum_by_key().to(two);
        recent.min_by_key().to(three);
        a.max_by_key().to(four);
    }";
    let (graph, said) = understood(item);
    assert_eq!(said, [""; 0]);
    let plan = mermaid(&graph);
    for line in [
        "count_by_key<br/>one<br/>one value per key and pane: panes, undone",
        "sum_by_key<br/>two<br/>per key and pane, by its algebra: panes",
        "min_by_key<br/>three<br/>two values per key and pane: panes, two stacks",
        "max_by_key<br/>four<br/>one value per key of the batch: combined",
        "|\"by key\"| op_four__max_by_key",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
}
