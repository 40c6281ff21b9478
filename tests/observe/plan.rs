//! Plans as data: what they say, and that drawings, JSON and jobs say the same.

use streaming_runtime::{
    ManualClock, Stream,
    connect::{Delivery, Recovery, collect, durable, queue},
    kinds::Table,
    plan::{GroupKind, NodeKind, Plan, Way},
    prelude::*,
};

stage!(
    /// The sum of each key of a window.
    fn totals<'s>(orders: Stream<'s, (u64, i64)>) -> Stream<'s, (u64, i64), Table> {
        let sums = orders.window(secs(2), secs(1)).reduce_by_key(|a, b| a + b);
        sums
    }
);

stream!(
    #[batch(secs(1))]
    fn shop<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>, reached: Sink<(u64, u64)>>() {
        let large = orders.filter(|(_, n)| *n > 1).map(|order| order);
        totals(large).to(out);
        let links = orders.window(secs(2), secs(1)).map(|(key, n)| (key, n.unsigned_abs())).distinct();
        let halved = links.iterate(|all| {
            let again = all.map(|(key, n)| (key, n / 2)).union(links).distinct();
            again
        });
        halved.to(reached);
    }
);

#[test]
fn drawings_and_json_are_of_one_plan() {
    let plan = shop::plan();
    assert_eq!(plan.mermaid(), shop::PLAN);
    assert_eq!(plan.dot(), shop::DOT);
    let json = serde_json::to_string(&plan).expect("it is data");
    let read: Plan = serde_json::from_str(&json).expect("it was just written");
    assert_eq!(read, plan);
    assert_eq!(read.mermaid(), shop::PLAN);
}

#[test]
fn nodes_have_the_ids_of_operators_and_stand_in_their_groups() {
    let plan = shop::plan();
    let is_port = |kind| matches!(kind, NodeKind::Source | NodeKind::Sink);
    let operators = shop::OPERATORS;
    let calls = plan
        .groups
        .iter()
        .filter(|group| group.kind == GroupKind::Stage)
        .map(|group| &group.id["stage ".len()..]);
    let calls: Vec<&str> = calls.collect();
    assert_eq!(calls, ["shop/out/totals"]);
    for node in plan.nodes.iter().filter(|node| !is_port(node.kind)) {
        assert!(operators.contains(&&*node.id) || calls.contains(&&*node.id), "{}: {operators:?}", node.id);
    }
    for operator in operators.iter().filter(|id| !id.ends_with("/to")) {
        assert!(plan.node(operator).is_some(), "{operator} is missing: {plan:?}");
    }
    let sums = plan.node("shop/out/totals/sums/reduce_by_key").expect("it is in the stage");
    assert_eq!(sums.group.as_deref(), Some("stage shop/out/totals"));
    assert!(sums.keeps.is_some(), "{sums:?}");
    for edge in &plan.edges {
        assert!(plan.node(&edge.from).is_some() && plan.node(&edge.to).is_some(), "{edge:?}");
    }
    assert!(plan.edges.iter().any(|edge| edge.way == Way::Again));
    assert!(plan.edges.iter().any(|edge| edge.way == Way::Returns));
    for kind in [GroupKind::Loop, GroupKind::Fused, GroupKind::Stage] {
        assert!(plan.groups.iter().any(|group| group.kind == kind), "{kind:?}");
    }
}

#[tokio::test]
async fn a_jobs_plan_knows_its_connectors() {
    let clock = ManualClock::new();
    let ((out, _), (reached, _)) = (collect(), collect());
    let orders = durable(queue(vec![vec![(1, 2)]]));
    let mut job =
        Engine::new().manual_clock(&clock).start(shop::Ports { orders, out, reached }).expect("it starts");
    let plan = job.plan();
    assert_eq!(job.monitor().plan(), plan);
    assert_eq!(plan.node("orders").expect("a port").recovery, Some(Recovery::Replays));
    assert_eq!(plan.node("out").expect("a port").delivery, Some(Delivery::AtLeastOnce));
    assert_eq!(plan.mermaid(), shop::PLAN);
    for operator in &job.metrics().operators {
        assert!(operator.id.ends_with("/to") || plan.node(operator.id).is_some(), "{}", operator.id);
    }
    clock.advance(secs(1));
    job.stop().await.expect("it ends well");
}

#[test]
fn a_terminal_shows_a_tree() {
    stream!(
        #[batch(secs(1))]
        fn words<lines: Source<String>, counts: Sink<(String, i64)>, long: Sink<String>>() {
            let words = lines.flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
            words.count_by_value().to(counts);
            words.filter(|word| word.len() > 9).to(long);
        }
    );
    let want = "\
words, a batch every 1s
source lines: String
  → flat_map (words)
  ├ count_by_value (counts), by key; keeps one value per key of the batch: combined
  │ → sink counts: (String, i64)
  └ filter (long)
    → sink long: String";
    assert_eq!(words::plan().to_string(), want);
}
