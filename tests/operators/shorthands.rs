//! Sums, counts, minima and maxima by key against the same recomputed from scratch: of batches, of windows, and of a table
//! whose records come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    connect::{Collected, collect, queue},
    kinds::StreamKind,
    prelude::*,
};
use support::{Pair, got, run, sorted};

/// A result with the name of its operator, so that one sink takes those of all four.
type Named = (String, u8, i64);

fn named<'s, P: StreamKind>(name: &'static str, results: Stream<'s, Pair, P>) -> Stream<'s, Named, P> {
    results.map(move |(key, value)| (name.to_owned(), key, value)).share()
}

stream!(
    /// Each operator on each kind of stream.
    #[batch(secs(1))]
    fn by_key<pairs: Source<Pair>, batches: Sink<Named>, windows: Sink<Named>, tables: Sink<Named>>(
        size: Duration,
    ) {
        let sums = named("sum", pairs.sum_by_key());
        let counts = named("count", pairs.count_by_key());
        let least = named("min", pairs.min_by_key());
        let most = named("max", pairs.max_by_key());
        sums.union(counts).union(least).union(most).to(batches);

        let window = pairs.window(size, secs(1));
        let recent_sums = named("sum", window.sum_by_key());
        let recent_counts = named("count", window.count_by_key());
        let recent_least = named("min", window.min_by_key());
        let recent_most = named("max", window.max_by_key());
        recent_sums.union(recent_counts).union(recent_least).union(recent_most).to(windows);

        let table = window.distinct();
        let table_sums = named("sum", table.sum_by_key());
        let table_counts = named("count", table.count_by_key());
        let table_least = named("min", table.min_by_key());
        let table_most = named("max", table.max_by_key());
        table_sums.union(table_counts).union(table_least).union(table_most).to(tables);
    }
);

/// The same of these records.
fn recomputed(pairs: impl IntoIterator<Item = Pair>) -> Vec<Named> {
    let mut groups = BTreeMap::<u8, Vec<i64>>::new();
    pairs.into_iter().for_each(|(key, value)| groups.entry(key).or_default().push(value));
    let results = |(key, values): (u8, Vec<i64>)| {
        let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
        [
            ("sum", values.iter().sum()),
            ("count", values.len() as i64),
            ("min", least.expect("a group has values")),
            ("max", most.expect("a group has values")),
        ]
        .map(|(name, value)| (name.to_owned(), key, value))
    };
    sorted(groups.into_iter().flat_map(results))
}

/// What a sink got of each batch, those of the end left out.
fn delivered(collected: &Collected<Named>, batches: usize) -> Vec<Vec<Named>> {
    collected.batches().into_iter().take(batches).map(|batch| sorted(batch.records)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn shorthands_equal_recomputation(
        all in vec(vec((0..4u8, -9..9i64), 0..12), 1..8),
        size in 1..4usize,
        workers in 1..4usize,
    ) {
        let n = all.len();
        let ((batches, of_batches), (windows, of_windows), (tables, of_tables)) = (collect(), collect(), collect());
        run(Engine::new().workers(workers), n, |engine| {
            let (pairs, size) = (queue(all.clone()), secs(size as u64));
            engine.start(by_key::Ports { pairs, batches, windows, tables, size }).expect("it starts")
        });
        prop_assert_eq!(got(&of_batches, n), all.iter().map(|batch| recomputed(batch.clone())).collect::<Vec<_>>());
        let window = |end: usize| all[end.saturating_sub(size)..end].concat();
        let expected: Vec<_> = (1..=n).map(|end| recomputed(window(end))).collect();
        prop_assert_eq!(delivered(&of_windows, n), expected);
        let expected: Vec<_> =
            (1..=n).map(|end| recomputed(window(end).into_iter().collect::<BTreeSet<_>>())).collect();
        prop_assert_eq!(delivered(&of_tables, n), expected);
    }
}
