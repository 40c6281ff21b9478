//! How many records are kept, which is known from their changes, against how many there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Engine,
    connect::{Collected, collect, queue},
    prelude::*,
};

use support::{Pair, run};

stream!(
    /// Counts of what is kept: by a window, through a chain, twice over, by state, for ever.
    #[batch(secs(1))]
    fn counting<
        pairs: Source<Pair>,
        different: Sink<i64>,
        odd: Sink<i64>,
        twice: Sink<i64>,
        states: Sink<i64>,
        ever: Sink<i64>,
    >(
        size: Duration,
        slide: Duration,
    ) {
        let recent = pairs.window(size, slide);
        let all = recent.distinct();
        all.count().to(different);
        let sums = recent.reduce_by_key(|a, b| a.wrapping_add(b));
        sums.filter(|(_, sum)| sum % 2 != 0).flat_map(|(key, sum)| [(key, sum), (key, 0)]).count().to(odd);
        all.union(sums).count().to(twice);
        let latest = pairs.update_state(|_, old, new| new.last().copied().or(old).filter(|last| *last != 0));
        latest.allow_unbounded("a test").count().to(states);
        pairs.history().allow_unbounded("a test").distinct().count().to(ever);
    }
);

/// The deliveries of a sink with their times in seconds; each is one number.
fn counted(collected: &Collected<i64>) -> Vec<(usize, i64)> {
    let one = |records: Vec<i64>| match records[..] {
        [n] => n,
        _ => panic!("not one number but {records:?}"),
    };
    let batches = collected.batches().into_iter();
    batches.map(|batch| (batch.time.as_millis() as usize / 1000, one(batch.records))).collect()
}

fn different(batches: &[Vec<Pair>]) -> i64 {
    batches.iter().flatten().collect::<BTreeSet<_>>().len() as i64
}

fn sums(batches: &[Vec<Pair>]) -> BTreeMap<u8, i64> {
    let mut sums = BTreeMap::new();
    for &(key, value) in batches.iter().flatten() {
        let sum: &mut i64 = sums.entry(key).or_default();
        *sum = sum.wrapping_add(value);
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn counts_are_those_of_the_contents(
        batches in vec(vec((0..4u8, -2..3i64), 0..5), 1..14),
        (size, slide) in (1..6usize, 1..4usize),
        workers in 1..4usize,
    ) {
        // With several workers the last value of a batch is not defined.
        let batches: Vec<Vec<Pair>> = batches
            .into_iter()
            .map(|batch| batch.into_iter().collect::<BTreeMap<u8, i64>>().into_iter().collect())
            .collect();
        let ((different_out, all_different), (odd, all_odd)) = (collect(), collect());
        let ((twice, all_twice), (states, all_states), (ever, all_ever)) = (collect(), collect(), collect());
        run(Engine::new().workers(workers), batches.len(), |engine| {
            let ports = counting::Ports {
                pairs: queue(batches.clone()),
                different: different_out,
                odd,
                twice,
                states,
                ever,
                size: secs(size as u64),
                slide: secs(slide as u64),
            };
            engine.start(ports).expect("it starts")
        });
        let windows: Vec<(usize, &[Vec<Pair>])> = (slide..=batches.len())
            .step_by(slide)
            .map(|at| (at, &batches[at.saturating_sub(size)..at]))
            .collect();
        let of = |count: fn(&[Vec<Pair>]) -> i64| -> Vec<(usize, i64)> {
            windows.iter().map(|(at, window)| (*at, count(window))).collect()
        };
        // What windows deliver at the end has tests of its own.
        let due = |counts: &Collected<i64>| -> Vec<_> {
            counted(counts).into_iter().filter(|(at, _)| *at <= batches.len()).collect()
        };
        prop_assert_eq!(due(&all_different), of(different));
        let odd = |window: &[Vec<Pair>]| 2 * sums(window).values().filter(|sum| *sum % 2 != 0).count() as i64;
        prop_assert_eq!(due(&all_odd), of(odd));
        prop_assert_eq!(due(&all_twice), of(|window| different(window) + sums(window).len() as i64));
        let ever: Vec<_> = (1..=batches.len()).map(|at| (at, different(&batches[..at]))).collect();
        prop_assert_eq!(counted(&all_ever), ever);
        let mut latest = BTreeMap::new();
        let states: Vec<_> = (1..=batches.len())
            .map(|at| {
                latest.extend(batches[at - 1].iter().copied());
                latest.retain(|_, last| *last != 0);
                (at, latest.len() as i64)
            })
            .collect();
        prop_assert_eq!(counted(&all_states), states);
    }
}

#[test]
fn nothing_counts_as_none() {
    let ((different, all_different), (odd, _), (twice, _), (states, _), (ever, all_ever)) =
        (collect(), collect(), collect(), collect(), collect());
    run(Engine::new(), 4, |engine| {
        let ports = counting::Ports {
            pairs: queue(vec![vec![], vec![(1, 1), (2, 1)], vec![], vec![]]),
            different,
            odd,
            twice,
            states,
            ever,
            size: secs(2),
            slide: secs(1),
        };
        engine.start(ports).expect("it starts")
    });
    assert_eq!(counted(&all_different), [(1, 0), (2, 2), (3, 2), (4, 0)]);
    assert_eq!(counted(&all_ever), [(1, 0), (2, 2), (3, 2), (4, 2)]);
}
