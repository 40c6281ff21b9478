//! Every per-batch operator against recomputing each batch from scratch, on random batches with empties and
//! duplicates, for one to three workers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    connect::{collect, queue},
    prelude::*,
};
use support::{Pair, got, run, sorted};

stream!(
    /// Every operator that gathers a batch, over one shared stream.
    #[batch(secs(1))]
    fn gathering<
        pairs: Source<Pair>,
        sums: Sink<Pair>,
        groups: Sink<(u8, Vec<i64>)>,
        means: Sink<(u8, (i64, u64))>,
        distinct_pairs: Sink<Pair>,
        occurrences: Sink<(Pair, i64)>,
        number: Sink<i64>,
        largest: Sink<i64>,
    >() {
        pairs.reduce_by_key(|a, b| a.wrapping_add(b)).to(sums);
        pairs.group_by_key().to(groups);
        let mean = pairs.combine_by_key(
            |value| (value, 1),
            |(sum, n): (i64, u64), value: i64| (sum.wrapping_add(value), n + 1),
            |(sum, n), (more, m)| (sum.wrapping_add(more), n + m),
        );
        mean.to(means);
        pairs.distinct().to(distinct_pairs);
        pairs.count_by_value().to(occurrences);
        pairs.count().to(number);
        pairs.map(|(_, value)| value).reduce(i64::max).to(largest);
    }
);

stream!(
    /// Every operator that looks at one record or moves it.
    #[batch(secs(1))]
    fn passing<
        left: Source<Pair>,
        right: Source<Pair>,
        high: Sink<(u8, i64)>,
        low: Sink<(u8, i64)>,
        keyed: Sink<(bool, Pair)>,
    >(
        limit: i64,
    ) {
        let both = left.union(right).repartition(2);
        let (above, below) = both.split(move |&(_, value)| value > limit);
        above.map_values(|value| value / 2).to(high);
        let doubled = below.flat_map_values(|value| [value, value]).filter(|&(key, _)| key != 3);
        doubled.inspect(|_| ()).to(low);
        both.filter_map(|(key, value)| (value % 2 == 0).then_some((key, value)))
            .key_by(|&(key, _)| key > 2)
            .to(keyed);
    }
);

stream!(
    /// Every join.
    #[batch(secs(1))]
    fn joining<
        left: Source<Pair>,
        right: Source<Pair>,
        groups: Sink<(u8, (Vec<i64>, Vec<i64>))>,
        inner: Sink<(u8, (i64, i64))>,
        lefts: Sink<(u8, (i64, Option<i64>))>,
        rights: Sink<(u8, (Option<i64>, i64))>,
        full: Sink<(u8, (Option<i64>, Option<i64>))>,
    >() {
        left.cogroup(right).to(groups);
        left.join(right).to(inner);
        left.left_join(right).to(lefts);
        left.right_join(right).to(rights);
        left.full_join(right).to(full);
    }
);

stream!(
    /// Words that are lent to the combiner, and the same words owned.
    #[batch(secs(1))]
    fn words<lines: Source<String>, lent: Sink<(String, i64)>, owned: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split(' ').map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(lent);
        let copies = lines.flat_map(|line| line.split(' ').map(String::from).collect::<Vec<_>>());
        copies.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(owned);
    }
);

fn each<T: Ord>(batches: &[Vec<Pair>], expected: impl Fn(&[Pair]) -> Vec<T>) -> Vec<Vec<T>> {
    batches.iter().map(|batch| sorted(expected(batch))).collect()
}

fn grouped(batch: &[Pair]) -> BTreeMap<u8, Vec<i64>> {
    let mut groups = BTreeMap::<u8, Vec<i64>>::new();
    batch.iter().for_each(|&(key, value)| groups.entry(key).or_default().push(value));
    groups
}

fn sum(values: &[i64]) -> i64 {
    values.iter().fold(0, |a, &b| a.wrapping_add(b))
}

fn batches() -> impl Strategy<Value = Vec<Vec<Pair>>> {
    let value = prop_oneof![-3..4i64, any::<i64>()];
    vec(vec((0..6u8, value), 0..40), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn gathering_operators_equal_recomputation(batches in batches(), workers in 1..4usize) {
        let n = batches.len();
        let (sums, got_sums) = collect();
        let (groups, got_groups) = collect();
        let (means, got_means) = collect();
        let (distinct_pairs, got_distinct) = collect();
        let (occurrences, got_occurrences) = collect();
        let (number, got_number) = collect();
        let (largest, got_largest) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let pairs = queue(batches.clone());
            let ports =
                gathering::Ports { pairs, sums, groups, means, distinct_pairs, occurrences, number, largest };
            engine.start(ports).expect("it starts")
        });
        prop_assert_eq!(
            got(&got_sums, n),
            each(&batches, |b| grouped(b).into_iter().map(|(k, vs)| (k, sum(&vs))).collect())
        );
        let groups: Vec<_> =
            got_groups.batches().into_iter().map(|b| sorted(b.records.into_iter().map(|(k, vs)| (k, sorted(vs))))).collect();
        prop_assert_eq!(groups, each(&batches, |b| grouped(b).into_iter().map(|(k, vs)| (k, sorted(vs))).collect()));
        prop_assert_eq!(
            got(&got_means, n),
            each(&batches, |b| grouped(b).into_iter().map(|(k, vs)| (k, (sum(&vs), vs.len() as u64))).collect())
        );
        let distinct = |b: &[Pair]| b.iter().copied().collect::<BTreeSet<_>>();
        prop_assert_eq!(got(&got_distinct, n), each(&batches, |b| distinct(b).into_iter().collect()));
        prop_assert_eq!(
            got(&got_occurrences, n),
            each(&batches, |b| {
                let times = |pair: Pair| b.iter().filter(|other| **other == pair).count() as i64;
                distinct(b).into_iter().map(|pair| (pair, times(pair))).collect()
            })
        );
        prop_assert_eq!(got(&got_number, n), each(&batches, |b| vec![b.len() as i64]));
        prop_assert_eq!(got(&got_largest, n), each(&batches, |b| b.iter().map(|p| p.1).max().into_iter().collect()));
    }

    #[test]
    fn passing_operators_equal_recomputation(
        left in batches(),
        right in batches(),
        limit in -3..4i64,
        workers in 1..4usize,
    ) {
        let n = left.len().max(right.len());
        let (high, got_high) = collect();
        let (low, got_low) = collect();
        let (keyed, got_keyed) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let ports = passing::Ports { left: queue(left.clone()), right: queue(right.clone()), high, low, keyed, limit };
            engine.start(ports).expect("it starts")
        });
        let both: Vec<Vec<Pair>> = (0..n)
            .map(|i| [&left, &right].iter().flat_map(|side| side.get(i).cloned().unwrap_or_default()).collect())
            .collect();
        prop_assert_eq!(
            got(&got_high, n),
            each(&both, |b| b.iter().filter(|p| p.1 > limit).map(|&(k, v)| (k, v / 2)).collect())
        );
        prop_assert_eq!(
            got(&got_low, n),
            each(&both, |b| b.iter().filter(|p| p.1 <= limit && p.0 != 3).flat_map(|&p| [p, p]).collect())
        );
        prop_assert_eq!(
            got(&got_keyed, n),
            each(&both, |b| b.iter().filter(|p| p.1 % 2 == 0).map(|&p| (p.0 > 2, p)).collect())
        );
    }

    #[test]
    fn joins_equal_recomputation(left in batches(), right in batches(), workers in 1..4usize) {
        let n = left.len().max(right.len());
        let (groups, got_groups) = collect();
        let (inner, got_inner) = collect();
        let (lefts, got_lefts) = collect();
        let (rights, got_rights) = collect();
        let (full, got_full) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let (left, right) = (queue(left.clone()), queue(right.clone()));
            let ports = joining::Ports { left, right, groups, inner, lefts, rights, full };
            engine.start(ports).expect("it starts")
        });
        // By nested loops over the batches.
        let batch = |side: &[Vec<Pair>], i: usize| side.get(i).cloned().unwrap_or_default();
        let lacks = |batch: &[Pair], key: u8| batch.iter().all(|pair| pair.0 != key);
        for (i, got_groups) in got_groups.batches().into_iter().enumerate() {
            let (l, r) = (batch(&left, i), batch(&right, i));
            let of = |side: &[Pair], key: u8| sorted(side.iter().filter(|p| p.0 == key).map(|p| p.1));
            let keys: BTreeSet<u8> = l.iter().chain(&r).map(|pair| pair.0).collect();
            let expected: Vec<_> = keys.into_iter().map(|key| (key, (of(&l, key), of(&r, key)))).collect();
            let groups = got_groups.records.into_iter().map(|(key, (l, r))| (key, (sorted(l), sorted(r))));
            prop_assert_eq!(sorted(groups), expected);

            let both = l.iter().flat_map(|a| r.iter().filter(|b| a.0 == b.0).map(|b| (a.0, (a.1, b.1))));
            let both = sorted(both);
            let alone_left = l.iter().filter(|a| lacks(&r, a.0));
            let alone_right = r.iter().filter(|b| lacks(&l, b.0));
            let mut expected: Vec<_> = both.iter().map(|&(k, (a, b))| (k, (a, Some(b)))).collect();
            expected.extend(alone_left.clone().map(|a| (a.0, (a.1, None))));
            prop_assert_eq!(got(&got_lefts, n)[i].clone(), sorted(expected));
            let mut expected: Vec<_> = both.iter().map(|&(k, (a, b))| (k, (Some(a), b))).collect();
            expected.extend(alone_right.clone().map(|b| (b.0, (None, b.1))));
            prop_assert_eq!(got(&got_rights, n)[i].clone(), sorted(expected));
            let mut expected: Vec<_> = both.iter().map(|&(k, (a, b))| (k, (Some(a), Some(b)))).collect();
            expected.extend(alone_left.map(|a| (a.0, (Some(a.1), None))));
            expected.extend(alone_right.map(|b| (b.0, (None, Some(b.1)))));
            prop_assert_eq!(got(&got_full, n)[i].clone(), sorted(expected));
            prop_assert_eq!(got(&got_inner, n)[i].clone(), both);
        }
    }

    #[test]
    fn lent_words_equal_owned_words(
        lines in vec(vec("[ab]{0,2}( [abc]{0,2}){0,4}", 0..20), 1..4),
        workers in 1..4usize,
    ) {
        let n = lines.len();
        let (lent, got_lent) = collect();
        let (owned, got_owned) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            engine.start(words::Ports { lines: queue(lines.clone()), lent, owned }).expect("it starts")
        });
        let expected: Vec<_> = lines
            .iter()
            .map(|batch| {
                let mut counts = BTreeMap::new();
                batch.iter().flat_map(|line| line.split(' ')).for_each(|w| *counts.entry(w.to_owned()).or_insert(0) += 1);
                counts.into_iter().collect::<Vec<(String, i64)>>()
            })
            .collect();
        prop_assert_eq!(got(&got_lent, n), expected.clone());
        prop_assert_eq!(got(&got_owned, n), expected);
    }
}
