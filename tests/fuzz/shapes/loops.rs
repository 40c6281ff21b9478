//! Loops.

use std::time::Duration;

use streaming_runtime::prelude::*;

use super::{Shape, Sources, time, window};
use crate::model::Pair;

/// A vertex of a value.
fn vertex(value: i64) -> u8 {
    value.rem_euclid(6) as u8
}

stream!(
    /// Which vertices are connected, in a window and ever; and what halving leads to.
    #[batch(secs(1))]
    fn components<
        a: Source<Pair>,
        tap_a: Sink<Pair>,
        recent: Sink<Pair>,
        recent_changes: Sink<(Pair, i64)>,
        ever: Sink<Pair>,
        ever_changes: Sink<(Pair, i64)>,
        halves: Sink<Pair>,
        halves_changes: Sink<(Pair, i64)>,
    >(
        span: (Duration, Duration),
    ) {
        a.to(tap_a);
        let edges = a.map(|(from, value)| (from, vertex(value)));
        let links = edges.window(span.0, span.1).flat_map(|(a, b)| [(a, b), (b, a)]);
        let own = links.map(|(a, _)| (a, a)).distinct();
        let reached = own.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(own).reduce_by_key(u8::min)
        });
        let all_recent = reached.map(|(vertex, label)| (vertex, i64::from(label)));
        all_recent.to(recent);
        all_recent.changes().to(recent_changes);
        let all = edges.history().allow_unbounded("the graph is the state");
        let all_links = all.flat_map(|(a, b)| [(a, b), (b, a)]);
        let all_own = all_links.map(|(a, _)| (a, a)).distinct();
        let ever_reached = all_own.iterate(|label| {
            let offered = label.join(all_links).map(|(_, (label, to))| (to, label));
            offered.union(all_own).reduce_by_key(u8::min)
        });
        let all_ever = ever_reached.map(|(vertex, label)| (vertex, i64::from(label)));
        all_ever.to(ever);
        all_ever.changes().to(ever_changes);
        let numbers = a.window(span.0, span.1).map(|(_, value)| value.unsigned_abs()).distinct();
        let halved = numbers
            .iterate_at_most(64, |all| all.filter(|&n| n > 1).map(|n| n / 2).union(numbers).distinct());
        let all_halves = halved.map(|n| (0, n as i64));
        all_halves.to(halves);
        all_halves.changes().to(halves_changes);
    }
);

/// The smallest vertex that each can reach, by looking until nothing changes.
fn labels(records: &[Pair]) -> Vec<Pair> {
    let mut labels = std::collections::BTreeMap::<u8, u8>::new();
    let edges: Vec<(u8, u8)> = records.iter().map(|&(from, value)| (from, vertex(value))).collect();
    labels.extend(edges.iter().flat_map(|&(a, b)| [(a, a), (b, b)]));
    loop {
        let before = labels.clone();
        for (a, b) in &edges {
            let least = labels[a].min(labels[b]);
            labels.insert(*a, least);
            labels.insert(*b, least);
        }
        if labels == before {
            return labels.into_iter().map(|(vertex, label)| (vertex, i64::from(label))).collect();
        }
    }
}

pub(super) const COMPONENTS: Shape = Shape {
    name: "components",
    sources: 1,
    windows: 1,
    kind: Sources::Replaying,
    start: |engine, wires, values| {
        engine.start(components::Ports {
            a: wires.replays(0),
            tap_a: wires.tap(0),
            recent: wires.out("recent"),
            recent_changes: wires.changes("recent"),
            ever: wires.out("ever"),
            ever_changes: wires.changes("ever"),
            halves: wires.out("halves"),
            halves_changes: wires.changes("halves"),
            span: time(values.one),
        })
    },
    model: |inputs, expected| {
        let a = &inputs.sources[0];
        let recent = window(a, inputs.values.one);
        expected.put("recent", recent.each(labels).delivered());
        expected.put("ever", a.history().each(labels).delivered());
        let halves = recent.each(|records| {
            let all = records.iter().flat_map(|(_, value)| {
                let halved = |n: &u64| (*n > 1).then_some(n / 2);
                std::iter::successors(Some(value.unsigned_abs()), halved)
            });
            let all: std::collections::BTreeSet<u64> = all.collect();
            all.into_iter().map(|n| (0, n as i64)).collect()
        });
        expected.put("halves", halves.delivered());
    },
};
