//! Stages: parts that pipelines share, with ids of their own.

use std::path::PathBuf;

use streaming_runtime::{Checkpoint, ManualClock, Record, connect::queue, kinds::Table, prelude::*};

use crate::run::{ids, run};

type Pair = (u64, i64);

fn orders(batches: usize) -> impl streaming_runtime::Source<Pair> {
    queue(vec![vec![(1, 100), (1, 30)], vec![(1, 5)], vec![(2, 7)]][..batches].to_vec())
}

stage!(
    fn counts<'s, V: Record>(orders: Stream<'s, (u64, V)>) -> Stream<'s, (u64, i64), Table> {
        let counts = orders
            .update_state(|_, count: Option<i64>, new: &[V]| Some(count.unwrap_or(0) + new.len() as i64));
        counts.allow_unbounded("one number a key")
    }
);

/// A pipeline, and one in which the lines of a stage are exchanged.
mod before {
    use super::*;
    use stages::totals;

    stage!(
        pub fn both<'s>(orders: Stream<'s, Pair>) -> (Stream<'s, Pair, Table>, Stream<'s, Pair, Table>) {
            let sums = totals(orders);
            let counts = counts(orders);
            (sums, counts)
        }
    );

    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let (sums, counts) = both(orders);
            sums.join(counts).to(out);
        }
    );
}

mod after {
    use super::*;
    use stages::totals;

    stage!(
        pub fn both<'s>(orders: Stream<'s, Pair>) -> (Stream<'s, Pair, Table>, Stream<'s, Pair, Table>) {
            let counts = counts(orders);
            let sums = totals(orders);
            (sums, counts)
        }
    );

    stream!(
        #[batch(secs(1))]
        pub fn shop<orders: Source<Pair>, out: Sink<(u64, (i64, i64))>>() {
            let (sums, counts) = both(orders);
            sums.join(counts).to(out);
        }
    );
}

struct Place {
    _directory: tempfile::TempDir,
    state: PathBuf,
    lock: PathBuf,
    clock: ManualClock,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (state, lock) = (directory.path().join("state"), directory.path().join("stream.lock"));
        Place { _directory: directory, state, lock, clock: ManualClock::new() }
    }
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(&self.state).lock_file(&self.lock)
    }
}

#[tokio::test]
async fn states_of_a_stage_stay_when_its_lines_are_exchanged() {
    let place = Place::new();
    let first =
        run(place.checkpoint(), &place.clock, 2, |out| before::shop::Ports { orders: orders(2), out });
    assert_eq!(first.await.expect("it runs"), [(1, (135, 3))]);
    let expected = [
        "shop/sums+counts/both/counts/counts/counts/update_state",
        "shop/sums+counts/both/sums/totals/sums/update_state",
    ];
    assert_eq!(ids(&place.lock), expected);
    let second =
        run(place.checkpoint(), &place.clock, 1, |out| after::shop::Ports { orders: orders(3), out });
    assert_eq!(second.await.expect("it goes on"), [(1, (135, 3)), (2, (7, 1))]);
}

#[test]
fn the_operators_of_a_stage_stand_in_those_of_the_pipeline() {
    let expected = [
        "shop/sums+counts/both/sums/totals/sums/update_state",
        "shop/sums+counts/both/sums/totals/allow_unbounded",
        "shop/sums+counts/both/counts/counts/counts/update_state",
        "shop/sums+counts/both/counts/counts/allow_unbounded",
        "shop/out/join",
        "shop/out/to",
    ];
    assert_eq!(before::shop::<(), ()>::OPERATORS, expected);
    let mut exchanged = after::shop::<(), ()>::OPERATORS.to_vec();
    exchanged.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(exchanged, sorted);
    for (plan, open, close) in [
        (before::shop::<(), ()>::PLAN, "subgraph", "end\n"),
        (before::shop::<(), ()>::DOT, "subgraph", "}\n"),
    ] {
        assert!(!plan.contains('\u{1}'), "{plan}");
        assert!(plan.contains("stage both") && plan.contains("stage totals"), "{plan}");
        assert_eq!(plan.matches("update_state").filter(|_| true).count() % 2, 0, "{plan}");
        assert!(plan.matches(open).count() >= 3 && plan.ends_with(close), "{plan}");
    }
}

#[tokio::test]
async fn what_a_stage_does_is_metered_by_its_ids() {
    let (out, all) = streaming_runtime::connect::collect();
    let clock = ManualClock::new();
    let mut job = Engine::new()
        .manual_clock(&clock)
        .workers(2)
        .start(before::shop::Ports { orders: orders(2), out })
        .expect("it starts");
    clock.advance(secs(2));
    job.join().await.expect("it ends well");
    assert_eq!(all.batches().pop().map(|batch| batch.records), Some(vec![(1, (135, 3))]));
    let metrics = job.metrics();
    let updates = metrics.operator("shop/sums+counts/both/sums/totals/sums/update_state");
    assert_eq!(updates.expect("it is one of OPERATORS").records_in, 3);
}

stream!(
    /// A stage by its path, one with a value that calls one of its own crate, and a function beside them.
    #[batch(secs(1))]
    fn nested<orders: Source<Pair>, out: Sink<Pair>, rest: Sink<Pair>, all: Sink<Pair>>(least: i64) {
        let (large, small) = stages::nested::parted(orders, least);
        large.to(out);
        small.to(rest);
        stages::plain(orders).to(all);
    }
);

#[tokio::test]
async fn a_stage_of_another_crate_that_calls_one_of_its_own() {
    let place = Place::new();
    let ports = |batches| {
        move |out| {
            let ((rest, _), (all, _)) =
                (streaming_runtime::connect::collect(), streaming_runtime::connect::collect());
            nested::Ports { orders: orders(batches), out, rest, all, least: 10 }
        }
    };
    let first = run(place.checkpoint(), &place.clock, 2, ports(2)).await.expect("it runs");
    assert_eq!(first, [(1, 130)]);
    let states = [
        "nested/all/plain",
        "nested/large+small/parted/large/totals/sums/update_state",
        "nested/large+small/parted/small/totals/sums/update_state",
    ];
    assert_eq!(ids(&place.lock), states);
    let operators = nested::<(), (), (), ()>::OPERATORS;
    assert!(states[1..].iter().all(|state| operators.contains(state)), "{operators:?}");
    assert!(operators.contains(&"nested/large+small/parted/large+small/split"), "{operators:?}");
    let second = run(place.checkpoint(), &place.clock, 1, ports(3)).await.expect("it goes on");
    assert_eq!(second, [(1, 130)]);
}

#[test]
fn a_pipeline_in_a_function_calls_a_stage_of_that_function() {
    stage!(
        fn doubled<'s>(numbers: Stream<'s, i64>) -> Stream<'s, i64> {
            numbers.map(|n| 2 * n)
        }
    );
    fn tripled<'s>(numbers: Stream<'s, i64>) -> Stream<'s, i64> {
        numbers.map(|n| 3 * n).share()
    }
    stream!(
        #[batch(secs(1))]
        fn local<numbers: Source<i64>, out: Sink<i64>, other: Sink<i64>, third: Sink<i64>>(
            by: fn(Stream<'_, i64>) -> Stream<'_, i64>,
        ) {
            use stages::totals as summed;
            let half = tripled;
            doubled(numbers).to(out);
            tripled(numbers).to(other);
            let sums = summed(by(half(numbers)).map(|n| (n, n)));
            sums.snapshot().map(|(_, sum)| sum).to(third);
        }
    );
    let operators = local::<(), (), (), ()>::OPERATORS;
    let expected = [
        "local/out/doubled/map",
        "local/out/to",
        "local/other/to",
        "local/sums/map",
        "local/sums/summed/sums/update_state",
        "local/sums/summed/allow_unbounded",
    ];
    assert_eq!(&operators[..6], expected);
}

stage!(
    /// The smallest label that each vertex can reach: a loop in a stage.
    fn labels<'s>(links: Stream<'s, (u32, u32), Table>) -> Stream<'s, (u32, u32), Table> {
        let own = links.map(|(a, _)| (a, a)).distinct();
        own.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(own).reduce_by_key(u32::min)
        })
    }
);

stream!(
    #[batch(secs(1))]
    fn components<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let graph = edges.history().allow_unbounded("the graph is the state").distinct();
        let links = graph.flat_map(|(a, b)| [(a, b), (b, a)]);
        labels(links).to(out);
    }
);

#[tokio::test]
async fn a_loop_in_a_stage_goes_on() {
    let place = Place::new();
    let edges = |batches: usize| queue(vec![vec![(1, 2), (3, 4)], vec![(2, 3)]][..batches].to_vec());
    let ports = |batches| move |out| components::Ports { edges: edges(batches), out };
    let first = run(place.checkpoint(), &place.clock, 1, ports(1)).await.expect("it runs");
    assert_eq!(first, [(1, 1), (2, 1), (3, 3), (4, 3)]);
    let second = run(place.checkpoint(), &place.clock, 1, ports(2)).await.expect("it goes on");
    assert_eq!(second, [(1, 1), (2, 1), (3, 1), (4, 1)]);
    assert!(components::<(), ()>::OPERATORS.contains(&"components/out/labels/loop/offered/join"));
}
