//! What depends on the order of values gets them in the order of their arrival, whatever they came through: against the
//! same made anew from all that had arrived.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    BatchTime, Checkpoint, ManualClock, StartError,
    aggregate::{first, last},
    connect::{Collected, collect, queue},
    prelude::*,
};

use support::soon;

use super::outcome;

type Pair = (u8, i64);
type Ends = (u8, (i64, i64));
type Group = (u8, Vec<i64>);

/// Says all values in their order: what is merged in another order is another number.
fn in_order(a: i64, b: i64) -> i64 {
    a.wrapping_mul(31).wrapping_add(b)
}

stream!(
    /// Values of the last four batches whose key was active in the last two, in all ways in which they are kept.
    #[batch(secs(1))]
    fn active<
        values: Source<Pair>,
        keys: Source<u8>,
        ends: Sink<Ends>,
        ends_changes: Sink<(Ends, i64)>,
        groups: Sink<Group>,
        merged: Sink<Pair>,
        whole: Sink<Group>,
        behind_distinct: Sink<Group>,
        behind_two: Sink<Group>,
        both: Sink<(u8, (Vec<i64>, Vec<i64>))>,
        lacking: Sink<Group>,
        named: Sink<Group>,
        batch: Sink<Group>,
        batch_ends: Sink<Ends>,
    >() {
        let recent = values.window(secs(4), secs(1));
        let active = keys.window(secs(2), secs(1));
        let once = active.distinct();
        let alive = recent.semijoin(active);
        let ends_of = alive.aggregate_by_key((first(), last()));
        ends_of.to(ends);
        ends_of.changes().to(ends_changes);
        alive.group_by_key().to(groups);
        alive.reduce_by_key(in_order).to(merged);
        alive.snapshot().group_by_key().to(whole);
        recent.semijoin(once).group_by_key().to(behind_distinct);
        let twice = alive.semijoin(once);
        twice.group_by_key().to(behind_two);
        twice.cogroup(alive).to(both);
        recent.antijoin(once).group_by_key().to(lacking);
        let name = once.map(|key| (key, i64::from(key)));
        recent.left_join(name).map(|(key, (value, _))| (key, value)).group_by_key().to(named);
        let now = values.semijoin(active);
        now.group_by_key().to(batch);
        now.aggregate_by_key((first(), last())).to(batch_ends);
    }
);

/// All sinks of a run, by their names, each with its batches' records in order of their keys.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    ends: BTreeMap<BatchTime, Vec<Ends>>,
    ends_sum: BTreeMap<BatchTime, Vec<Ends>>,
    merged: BTreeMap<BatchTime, Vec<Pair>>,
    groups: BTreeMap<&'static str, BTreeMap<BatchTime, Vec<Group>>>,
}

fn add<T: Clone + Ord>(seen: &mut BTreeMap<BatchTime, Vec<T>>, sink: &Collected<T>) {
    for mut batch in sink.batches() {
        batch.records.sort();
        seen.insert(batch.time, batch.records);
    }
}

/// One life of the job: it gets the batches up to `until`, and ends.
fn live(engine: Engine, values: &[Vec<Pair>], keys: &[Vec<u8>], until: usize, seen: &mut Seen) {
    let ((ends, all_ends), (ends_changes, all_changes), (merged, all_merged)) =
        (collect(), collect(), collect());
    let names = ["groups", "whole", "distinct", "two", "lacking", "named", "batch"];
    let (mut sinks, all): (Vec<_>, Vec<_>) = names.iter().map(|_| collect::<Group>()).unzip();
    let ((both, all_both), (batch_ends, all_batch_ends)) = (collect(), collect());
    let mut next = || sinks.remove(0);
    let ports = active::Ports {
        values: queue(values[..until].to_vec()),
        keys: queue(keys[..until].to_vec()),
        ends,
        ends_changes,
        merged,
        both,
        batch_ends,
        groups: next(),
        whole: next(),
        behind_distinct: next(),
        behind_two: next(),
        lacking: next(),
        named: next(),
        batch: next(),
    };
    let ended = outcome(engine, until, |engine| engine.start(ports).expect("it starts"));
    ended.expect("it ends well");
    let mut sum: BTreeMap<Ends, i64> =
        seen.ends_sum.values().last().into_iter().flatten().map(|ends| (*ends, 1)).collect();
    for batch in all_changes.batches() {
        batch.records.into_iter().for_each(|(ends, times)| *sum.entry(ends).or_default() += times);
        sum.retain(|_, times| *times != 0);
        assert!(sum.values().all(|times| *times == 1), "{sum:?}");
        seen.ends_sum.insert(batch.time, sum.keys().copied().collect());
    }
    add(&mut seen.ends, &all_ends);
    add(&mut seen.merged, &all_merged);
    for (name, sink) in names.into_iter().zip(&all) {
        add(seen.groups.entry(name).or_default(), sink);
    }
    for mut batch in all_both.batches() {
        batch.records.sort();
        let equal = batch.records.iter().all(|(_, (left, right))| left == right);
        assert!(equal, "both sides have the same values: {:?}", batch.records);
        let records = batch.records.into_iter().map(|(key, (left, _))| (key, left)).collect();
        seen.groups.entry("both").or_default().insert(batch.time, records);
    }
    for batch in all_batch_ends.batches() {
        let groups = &seen.groups["batch"][&batch.time];
        let expected: Vec<Ends> = groups.iter().map(|(key, group)| (*key, ends_of(group))).collect();
        let mut records = batch.records;
        records.sort();
        assert_eq!(records, expected);
    }
}

fn ends_of(group: &[i64]) -> (i64, i64) {
    (group[0], group[group.len() - 1])
}

fn grouped(values: impl IntoIterator<Item = Pair>) -> Vec<Group> {
    let mut groups = BTreeMap::<u8, Vec<i64>>::new();
    values.into_iter().for_each(|(key, value)| groups.entry(key).or_default().push(value));
    groups.into_iter().collect()
}

/// What the batches say, each made anew of those before.
fn expected(values: &[Vec<Pair>], keys: &[Vec<u8>]) -> Seen {
    let mut seen = Seen::default();
    for n in 1..=values.len() {
        let time = BatchTime::from_millis(1000 * n as u64);
        let recent = values[n.saturating_sub(4)..n].concat();
        let active = keys[n.saturating_sub(2)..n].concat();
        let alive = grouped(recent.iter().copied().filter(|(key, _)| active.contains(key)));
        let lacking = grouped(recent.iter().copied().filter(|(key, _)| !active.contains(key)));
        let batch = grouped(values[n - 1].iter().copied().filter(|(key, _)| active.contains(key)));
        let ends: Vec<Ends> = alive.iter().map(|(key, group)| (*key, ends_of(group))).collect();
        let merged =
            |(key, group): &Group| (*key, group.iter().copied().reduce(in_order).expect("not empty"));
        seen.ends.insert(time, ends.clone());
        seen.ends_sum.insert(time, ends);
        seen.merged.insert(time, alive.iter().map(merged).collect());
        let named = grouped(recent);
        for (name, groups) in [("lacking", &lacking), ("named", &named), ("batch", &batch)] {
            seen.groups.entry(name).or_default().insert(time, groups.clone());
        }
        for name in ["groups", "whole", "distinct", "two", "both"] {
            seen.groups.entry(name).or_default().insert(time, alive.clone());
        }
    }
    seen
}

#[test]
fn the_order_is_that_of_arrival_and_not_of_values() {
    let values = vec![vec![(1, 50), (1, 90), (1, 10), (1, 70)]];
    let keys = vec![vec![1]];
    let mut seen = Seen::default();
    live(Engine::new(), &values, &keys, 1, &mut seen);
    let at = BatchTime::from_millis(1000);
    assert_eq!(seen.ends[&at], [(1, (50, 70))]);
    assert_eq!(seen.groups["distinct"][&at], [(1, vec![50, 90, 10, 70])]);
    assert_eq!(seen, expected(&values, &keys));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn it_is_kept_by_all_that_is_kept(
        batches in vec((vec((0..3u8, -3..4i64), 0..5), vec(0..3u8, 0..3)), 1..9),
        workers in 1..4usize,
    ) {
        let (values, keys): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
        let mut seen = Seen::default();
        live(Engine::new().workers(workers), &values, &keys, values.len(), &mut seen);
        prop_assert_eq!(seen, expected(&values, &keys));
    }

    #[test]
    fn it_is_the_same_after_a_restart(
        batches in vec((vec((0..3u8, -3..4i64), 0..5), vec(0..3u8, 0..3)), 9),
        ends in vec((1..9usize, 1..4usize), 0..4),
    ) {
        let (values, keys): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
        let directory = tempfile::tempdir().expect("temp");
        let mut seen = Seen::default();
        let mut ends = ends;
        ends.sort();
        ends.push((values.len(), 2));
        for (until, workers) in ends {
            let engine = Engine::new().workers(workers).checkpoint(Checkpoint::new(directory.path()));
            live(engine, &values, &keys, until, &mut seen);
        }
        prop_assert_eq!(seen, expected(&values, &keys));
    }
}

stream!(
    /// Of what comes into one key from several.
    #[batch(secs(1))]
    fn whole_stream<values: Source<Pair>, keys: Source<u8>, ends: Sink<(i64, i64)>, merged: Sink<i64>>() {
        let alive = values.window(secs(9), secs(1)).semijoin(keys.window(secs(9), secs(1)).distinct());
        let all = alive.map(|(_, value)| value);
        all.aggregate((first(), last())).to(ends);
        all.reduce(in_order).to(merged);
    }
);

#[test]
fn a_whole_stream_has_the_order_of_its_batches_also_after_a_restart() {
    let values = [vec![(1, 50)], vec![(0, 90)], vec![(2, 10)], vec![(0, 70)], vec![(1, 5)], vec![(0, 99)]];
    let keys = vec![vec![0, 1, 2]];
    let directory = tempfile::tempdir().expect("temp");
    let mut seen = BTreeMap::new();
    for until in [2, 3, 5, 6] {
        let ((ends, all_ends), (merged, all_merged)) = (collect(), collect());
        let ports = whole_stream::Ports {
            values: queue(values[..until].to_vec()),
            keys: queue(keys.clone()),
            ends,
            merged,
        };
        let engine = Engine::new().workers(until % 2 + 1).checkpoint(Checkpoint::new(directory.path()));
        outcome(engine, until, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        for (ends, merged) in all_ends.batches().into_iter().zip(all_merged.batches()) {
            seen.insert(ends.time.as_millis() as usize / 1000, (ends.records, merged.records));
        }
    }
    let all: Vec<i64> = values.iter().flatten().map(|(_, value)| *value).collect();
    for n in 1..=6 {
        let merged = all[..n].iter().copied().reduce(in_order).expect("some");
        assert_eq!(seen[&n], (vec![(all[0], all[n - 1])], vec![merged]), "after {n} batches");
    }
}

stream!(
    #[batch(secs(1))]
    fn firsts_in_a_loop<pairs: Source<(u8, u8)>, out: Sink<(u8, u8)>>() {
        let edges = pairs.window(secs(2), secs(1));
        let reached = edges.iterate(|reached| {
            let further = reached.map(|(from, to)| (to, from)).join(edges).map(|(_, (from, to))| (from, to));
            further.union(edges).aggregate_by_key(first())
        });
        reached.to(out);
    }
);

#[tokio::test]
async fn a_loop_has_no_order_and_says_so_at_the_start() {
    let ports = firsts_in_a_loop::Ports { pairs: queue(vec![vec![(1, 2)]]), out: collect().0 };
    let clock = ManualClock::new();
    let error = Engine::new().manual_clock(&clock).start(ports).map(drop).expect_err("it does not start");
    assert!(matches!(error, StartError::Build(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("firsts_in_a_loop/reached/loop/aggregate_by_key"), "{text}");
    assert!(text.contains("no order of arrival"), "{text}");
    soon(async {}).await;
}

stream!(
    /// A key with many values of which any may be taken back.
    #[batch(secs(1))]
    fn many<updates: Source<Pair>, groups: Sink<(u8, Vec<i64>)>, pairs: Sink<i64>>() {
        let table = updates.update_state(|_, _, new| new.last().copied());
        let table = table.allow_unbounded("a test").map(|(_, value)| (0_u8, value));
        table
            .group_by_key()
            .map_values(|mut group| {
                group.sort();
                group
            })
            .to(groups);
        table.join(table.map(|(key, value)| (key, -value))).count().to(pairs);
    }
);

/// Where one key has many values, those that leave are found together.
#[test]
fn a_batch_may_take_back_most_of_a_key() {
    let batches: Vec<Vec<Pair>> =
        (0..4).map(|n| (0..40).map(|key| (key, i64::from(key) * 7 % 5 + n)).collect()).collect();
    let ((groups, all_groups), (pairs, all_pairs)) = (collect(), collect());
    let ports = many::Ports { updates: queue(batches.clone()), groups, pairs };
    outcome(Engine::new(), 4, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
    for (batch, groups) in batches.iter().zip(all_groups.batches()) {
        let mut expected: Vec<i64> = batch.iter().map(|(_, value)| *value).collect();
        expected.sort();
        assert_eq!(groups.records, [(0, expected)]);
    }
    assert_eq!(all_pairs.records(), [1600; 4]);
}

stream!(
    /// A stream in two parts that are put together again.
    #[batch(secs(1))]
    fn parted<values: Source<Pair>, keys: Source<u8>, groups: Sink<Group>, lacking: Sink<(Pair, i64)>>() {
        let recent = values.window(secs(9), secs(1));
        let once = keys.window(secs(20), secs(1)).distinct();
        let without = recent.antijoin(once);
        without.changes().to(lacking);
        recent.semijoin(once).union(without).group_by_key().to(groups);
    }
);

/// What comes together with the key that takes it away was never there, and nobody takes it back.
#[test]
fn what_was_never_alone_is_not_said_to_be() {
    for workers in [1, 2] {
        let ((groups, all_groups), (lacking, changes)) = (collect(), collect());
        let values = queue(vec![vec![(1, 50), (1, 90)], vec![(1, 10), (1, 50)]]);
        let ports = parted::Ports { values, keys: queue(vec![vec![], vec![1]]), groups, lacking };
        let engine = Engine::new().workers(workers);
        outcome(engine, 2, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        assert_eq!(all_groups.batches()[1].records, [(1, vec![50, 90, 10, 50])], "{workers} workers");
        let mut last = changes.batches()[1].records.clone();
        last.sort_unstable();
        assert_eq!(last, [((1, 50), -1), ((1, 90), -1)], "{workers} workers");
    }
}
