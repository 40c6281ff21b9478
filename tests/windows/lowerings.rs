//! The lowerings of windows against those of what is kept: the same operator on the same records, once as a window and once
//! behind a join, where records come and go one by one.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Engine,
    aggregate::{count, max, sum},
    connect::{Collected, collect, queue},
    prelude::*,
};

use support::{run, sorted};

type Pair = (u8, i64);
type Several = (u8, (i64, i64, i64));

stream!(
    #[batch(secs(1))]
    fn both<
        pairs: Source<Pair>,
        sums: Sink<Pair>,
        general_sums: Sink<Pair>,
        several: Sink<Several>,
        general_several: Sink<Several>,
        groups: Sink<(u8, Vec<i64>)>,
        general_groups: Sink<(u8, Vec<i64>)>,
        occurrences: Sink<(Pair, i64)>,
        general_occurrences: Sink<(Pair, i64)>,
        once: Sink<Pair>,
        general_once: Sink<Pair>,
        joined: Sink<(u8, (i64, i64))>,
        general_joined: Sink<(u8, (i64, i64))>,
        parted: Sink<Pair>,
        general_parted: Sink<Pair>,
    >(
        size: Duration,
        slide: Duration,
    ) {
        let window = pairs.window(size, slide);
        let keys = window.map(|(key, _)| key).distinct();
        let general = window.semijoin(keys);

        window.reduce_by_key(|a, b| a + b).to(sums);
        general.reduce_by_key(|a, b| a + b).to(general_sums);
        window.aggregate_by_key((count(), sum(), max())).to(several);
        general.aggregate_by_key((count(), sum(), max())).to(general_several);
        window.group_by_key().map_values(in_order).to(groups);
        general.group_by_key().map_values(in_order).to(general_groups);
        window.count_by_value().to(occurrences);
        general.count_by_value().to(general_occurrences);
        window.distinct().to(once);
        general.distinct().to(general_once);
        window.join(window.map_values(|value| -value)).to(joined);
        general.join(general.map_values(|value| -value)).to(general_joined);
        let (even, odd) = window.split(|&(_, value)| value % 2 == 0);
        even.union(odd).union(even).to(parted);
        let (even, odd) = general.split(|&(_, value)| value % 2 == 0);
        even.union(odd).union(even).to(general_parted);
    }
);

fn in_order(mut values: Vec<i64>) -> Vec<i64> {
    values.sort();
    values
}

/// Both have delivered the same at each slide, and once more at the end if that is none and there is something to say.
fn same<T: Clone + Ord + std::fmt::Debug>(
    specialised: &Collected<T>,
    general: &Collected<T>,
    number: usize,
    slide: usize,
) {
    let batches = |collected: &Collected<T>| -> Vec<_> {
        collected.batches().into_iter().map(|batch| (batch.time, sorted(batch.records))).collect()
    };
    let (slides, at_most) = (number / slide, number.div_ceil(slide));
    assert!((slides..=at_most).contains(&specialised.len()), "{} of {slides} slides", specialised.len());
    assert_eq!(batches(specialised), batches(general));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn windows_agree_with_what_is_kept(
        batches in vec(vec((0..4u8, -3..4i64), 0..8), 1..8),
        size in 1..5usize,
        slide in 1..4usize,
        workers in 1..3usize,
    ) {
        let (sums, all_sums) = collect();
        let (general_sums, all_general_sums) = collect();
        let (several, all_several) = collect();
        let (general_several, all_general_several) = collect();
        let (groups, all_groups) = collect();
        let (general_groups, all_general_groups) = collect();
        let (occurrences, all_occurrences) = collect();
        let (general_occurrences, all_general_occurrences) = collect();
        let (once, all_once) = collect();
        let (general_once, all_general_once) = collect();
        let (joined, all_joined) = collect();
        let (general_joined, all_general_joined) = collect();
        let (parted, all_parted) = collect();
        let (general_parted, all_general_parted) = collect();
        run(Engine::new().workers(workers), batches.len(), |engine| {
            let ports = both::Ports {
                pairs: queue(batches.clone()),
                sums, general_sums, several, general_several, groups, general_groups, occurrences,
                general_occurrences, once, general_once, joined, general_joined, parted, general_parted,
                size: secs(size as u64), slide: secs(slide as u64),
            };
            engine.start(ports).expect("it starts")
        });
        same(&all_sums, &all_general_sums, batches.len(), slide);
        same(&all_several, &all_general_several, batches.len(), slide);
        same(&all_groups, &all_general_groups, batches.len(), slide);
        same(&all_occurrences, &all_general_occurrences, batches.len(), slide);
        same(&all_once, &all_general_once, batches.len(), slide);
        same(&all_joined, &all_general_joined, batches.len(), slide);
        same(&all_parted, &all_general_parted, batches.len(), slide);
    }
}

stream!(
    /// One kept stream by key, read by two joins, an aggregate and once more behind a map.
    #[batch(secs(1))]
    fn read_by_several<
        pairs: Source<Pair>,
        others: Source<Pair>,
        inner: Sink<(u8, (i64, i64))>,
        again: Sink<(u8, (i64, i64))>,
        sums: Sink<Pair>,
        negated: Sink<Pair>,
    >() {
        let kept = pairs.window(secs(3), secs(1)).distinct();
        let other = others.window(secs(2), secs(1)).distinct();
        kept.join(other).to(inner);
        other.join(kept).map_values(|(a, b)| (b, a)).to(again);
        kept.reduce_by_key(|a, b| a + b).to(sums);
        kept.map_values(|value| -value).reduce_by_key(|a, b| a + b).map_values(|value| -value).to(negated);
    }
);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn what_is_kept_serves_several_readers(
        batches in vec((vec((0..4u8, -3..4i64), 0..6), vec((0..4u8, -3..4i64), 0..6)), 1..10),
        workers in 1..3usize,
    ) {
        let (pairs, others): (Vec<_>, Vec<_>) = batches.iter().cloned().unzip();
        let (inner, all_inner) = collect();
        let (again, all_again) = collect();
        let (sums, all_sums) = collect();
        let (negated, all_negated) = collect();
        run(Engine::new().workers(workers), batches.len(), |engine| {
            let ports = read_by_several::Ports {
                pairs: queue(pairs.clone()), others: queue(others.clone()), inner, again, sums, negated,
            };
            engine.start(ports).expect("it starts")
        });
        same(&all_inner, &all_again, batches.len(), 1);
        same(&all_sums, &all_negated, batches.len(), 1);
        let once = |batches: &[Vec<Pair>], n: usize, size: usize| {
            let mut all = batches[n.saturating_sub(size)..n].concat();
            all.sort();
            all.dedup();
            all
        };
        for (n, batch) in (1..).zip(all_inner.batches()) {
            let (left, right) = (once(&pairs, n, 3), once(&others, n, 2));
            let meets = |&(key, a): &Pair| {
                let same = right.iter().filter(move |other| other.0 == key);
                same.map(move |&(_, b)| (key, (a, b))).collect::<Vec<_>>()
            };
            prop_assert_eq!(sorted(batch.records), sorted(left.iter().flat_map(meets)));
        }
    }
}
