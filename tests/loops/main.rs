//! Loops against the same answers computed from scratch, batch by batch.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Engine, JobError,
    connect::{collect, queue},
    prelude::*,
};

use support::{got, outcome, run};

type Edge = (u8, u8);

stream!(
    /// Every vertex takes the smallest label that it can reach.
    #[batch(secs(1))]
    fn components<edges: Source<Edge>, labels: Sink<Edge>, changes: Sink<(Edge, i64)>>() {
        let graph = edges.history().allow_unbounded("the graph is the state");
        let links = graph.flat_map(|(a, b)| [(a, b), (b, a)]);
        let own = links.map(|(a, _)| (a, a)).distinct();
        let reached = own.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(own).reduce_by_key(u8::min)
        });
        reached.to(labels);
        reached.changes().to(changes);
    }
);

stream!(
    /// The same over the edges of the last three batches: edges are taken back.
    #[batch(secs(1))]
    fn recent_components<edges: Source<Edge>, labels: Sink<Edge>>() {
        let links = edges.window(secs(3), secs(1)).flat_map(|(a, b)| [(a, b), (b, a)]);
        let own = links.map(|(a, _)| (a, a)).distinct();
        let reached = own.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(own).reduce_by_key(u8::min)
        });
        reached.to(labels);
    }
);

stream!(
    /// A loop in a loop: rails as far as they lead, then a change of trains, and again. Changes are taken back.
    #[batch(secs(1))]
    fn journeys<rails: Source<Edge>, changes: Source<Edge>, out: Sink<Edge>>() {
        let rails = rails.history().allow_unbounded("the network is the state");
        let changes = changes.window(secs(2), secs(1));
        let starts = rails.map(|(from, _)| (from, from)).distinct();
        let reached = starts.iterate(|journeys| {
            let ridden = journeys.iterate(|at| {
                let next = at.join(rails).map(|(_, (start, to))| (to, start));
                next.union(journeys).distinct()
            });
            let changed = ridden.join(changes).map(|(_, (start, to))| (to, start));
            changed.union(ridden).distinct()
        });
        reached.map(|(to, start)| (start, to)).to(out);
    }
);

stream!(
    /// A loop without an end.
    #[batch(secs(1))]
    fn endless<numbers: Source<u64>, out: Sink<u64>>() {
        let seeds = numbers.window(secs(1), secs(1)).distinct();
        let all = seeds.iterate_at_most(50, |n| n.map(|n| n + 1).union(seeds).distinct());
        all.to(out);
    }
);

fn labels<'a>(edges: impl Iterator<Item = &'a Edge> + Clone) -> Vec<Edge> {
    let mut label: BTreeMap<u8, u8> = edges.clone().flat_map(|&(a, b)| [(a, a), (b, b)]).collect();
    loop {
        let before = label.clone();
        for &(a, b) in edges.clone() {
            let smallest = label[&a].min(label[&b]);
            label.insert(a, smallest);
            label.insert(b, smallest);
        }
        if label == before {
            return label.into_iter().collect();
        }
    }
}

/// What can be reached from where each edge of `rails` begins, by them and by `changes`.
fn reached<'a>(
    rails: impl Iterator<Item = &'a Edge> + Clone,
    changes: impl Iterator<Item = &'a Edge>,
) -> Vec<Edge> {
    let edges: Vec<Edge> = rails.clone().chain(changes).copied().collect();
    let mut reached: BTreeSet<Edge> = rails.map(|&(from, _)| (from, from)).collect();
    loop {
        let further = |&(start, at): &Edge| {
            edges.iter().filter(move |(from, _)| *from == at).map(move |(_, to)| (start, *to))
        };
        let more: Vec<Edge> = reached.iter().flat_map(further).collect();
        let before = reached.len();
        reached.extend(more);
        if reached.len() == before {
            return reached.into_iter().collect();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn components_are_kept_up_to_date(
        batches in vec(vec((0..12u8, 0..12u8), 0..6), 1..8),
        workers in 1..3usize,
    ) {
        let (labels_sink, all) = collect();
        let (changes, all_changes) = collect();
        run(Engine::new().workers(workers), batches.len(), |engine| {
            engine
                .start(components::Ports { edges: queue(batches.clone()), labels: labels_sink, changes })
                .expect("it starts")
        });
        let expected: Vec<_> = (1..=batches.len()).map(|n| labels(batches[..n].iter().flatten())).collect();
        prop_assert_eq!(got(&all, batches.len()), expected.clone());
        let mut sum = BTreeMap::<Edge, i64>::new();
        for (changes, expected) in all_changes.batches().into_iter().zip(expected) {
            changes.records.into_iter().for_each(|(label, times)| *sum.entry(label).or_default() += times);
            sum.retain(|_, times| *times != 0);
            prop_assert!(sum.values().all(|times| *times == 1));
            prop_assert_eq!(sum.keys().copied().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn edges_may_leave_a_loop(
        batches in vec(vec((0..10u8, 0..10u8), 0..5), 1..9),
        workers in 1..3usize,
    ) {
        let (labels_sink, all) = collect();
        run(Engine::new().workers(workers), batches.len(), |engine| {
            engine
                .start(recent_components::Ports { edges: queue(batches.clone()), labels: labels_sink })
                .expect("it starts")
        });
        let expected: Vec<_> = (1..=batches.len())
            .map(|n| labels(batches[n.saturating_sub(3)..n].iter().flatten()))
            .collect();
        prop_assert_eq!(got(&all, batches.len()), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn loops_in_loops_are_kept_up_to_date(
        batches in vec((vec((0..8u8, 0..8u8), 0..3), vec((0..8u8, 0..8u8), 0..3)), 1..8),
        workers in 1..3usize,
    ) {
        let (rails, changes): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
        let (out, all) = collect();
        run(Engine::new().workers(workers), rails.len(), |engine| {
            let ports = journeys::Ports { rails: queue(rails.clone()), changes: queue(changes.clone()), out };
            engine.start(ports).expect("it starts")
        });
        let expected: Vec<_> = (1..=rails.len())
            .map(|n| reached(rails[..n].iter().flatten(), changes[n.saturating_sub(2)..n].iter().flatten()))
            .collect();
        prop_assert_eq!(got(&all, rails.len()), expected);
    }
}

#[test]
fn a_loop_without_an_end_ends_the_job() {
    let (out, _) = collect();
    let outcome = outcome(Engine::new(), 1, |engine| {
        engine.start(endless::Ports { numbers: queue(vec![vec![1]]), out }).expect("it starts")
    });
    let Err(error @ JobError::LoopWithoutEnd { operator, rounds: 50, .. }) = &outcome else {
        panic!("the loop is stopped, but the job ends with {outcome:?}");
    };
    assert_eq!(*operator, "endless/all/iterate_at_most");
    assert!(error.to_string().contains("still changes after 50 rounds"), "{error}");
}
