//! Joins of all that a stream can hold, against the same joins computed from scratch at each slide.

mod scratch;

use std::{collections::BTreeMap, time::Duration};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Engine,
    connect::{Collected, collect, queue},
    prelude::*,
};

use scratch::*;
use support::{run, sorted};

type Pair = (u8, i64);
type Groups = (u8, (Vec<i64>, Vec<i64>));
type Outer = (u8, (Option<i64>, Option<i64>));

stream!(
    /// Every join of two windows, whole and as changes.
    #[batch(secs(1))]
    fn windows<
        left: Source<Pair>,
        right: Source<Pair>,
        groups: Sink<Groups>,
        group_changes: Sink<(Groups, i64)>,
        inner: Sink<(u8, (i64, i64))>,
        inner_changes: Sink<((u8, (i64, i64)), i64)>,
        lefts: Sink<(u8, (i64, Option<i64>))>,
        left_changes: Sink<((u8, (i64, Option<i64>)), i64)>,
        rights: Sink<(u8, (Option<i64>, i64))>,
        right_changes: Sink<((u8, (Option<i64>, i64)), i64)>,
        full: Sink<Outer>,
        full_changes: Sink<(Outer, i64)>,
        semi: Sink<Pair>,
        semi_changes: Sink<(Pair, i64)>,
        anti: Sink<Pair>,
        anti_changes: Sink<(Pair, i64)>,
    >(
        sizes: (Duration, Duration),
        slide: Duration,
    ) {
        let a = left.window(sizes.0, slide);
        let b = right.window(sizes.1, slide);
        let keys = b.map(|(key, _)| key);
        let all_groups = a.cogroup(b);
        all_groups.to(groups);
        all_groups.changes().to(group_changes);
        let all_inner = a.join(b);
        all_inner.to(inner);
        all_inner.changes().to(inner_changes);
        let all_left = a.left_join(b);
        all_left.to(lefts);
        all_left.changes().to(left_changes);
        let all_right = a.right_join(b);
        all_right.to(rights);
        all_right.changes().to(right_changes);
        let all_full = a.full_join(b);
        all_full.to(full);
        all_full.changes().to(full_changes);
        let all_semi = a.semijoin(keys);
        all_semi.to(semi);
        all_semi.changes().to(semi_changes);
        let all_anti = a.antijoin(keys);
        all_anti.to(anti);
        all_anti.changes().to(anti_changes);
    }
);

stream!(
    /// The same joins of what is kept.
    #[batch(secs(1))]
    fn kept<
        left: Source<Pair>,
        right: Source<Pair>,
        groups: Sink<Groups>,
        inner: Sink<(u8, (i64, i64))>,
        lefts: Sink<(u8, (i64, Option<i64>))>,
        rights: Sink<(u8, (Option<i64>, i64))>,
        full: Sink<Outer>,
        full_changes: Sink<(Outer, i64)>,
        semi: Sink<Pair>,
        anti: Sink<Pair>,
    >(
        sizes: (Duration, Duration),
        slide: Duration,
    ) {
        let a = left.window(sizes.0, slide).distinct();
        let b = right.window(sizes.1, slide).distinct();
        let keys = b.map(|(key, _)| key);
        a.cogroup(b).map_values(|(a, b)| (in_order(a), in_order(b))).to(groups);
        a.join(b).to(inner);
        a.left_join(b).to(lefts);
        a.right_join(b).to(rights);
        let all_full = a.full_join(b);
        all_full.to(full);
        all_full.changes().to(full_changes);
        a.semijoin(keys).to(semi);
        a.antijoin(keys).to(anti);
    }
);

stream!(
    /// A batch with a window, a table that grows and one that changes.
    #[batch(secs(1))]
    fn tables<
        left: Source<Pair>,
        right: Source<Pair>,
        recent: Sink<(u8, (i64, i64))>,
        other_way: Sink<(u8, (i64, i64))>,
        growing: Sink<(u8, (i64, Option<i64>))>,
        changing: Sink<(u8, (i64, Option<i64>))>,
        all: Sink<Outer>,
        unknown: Sink<Pair>,
    >(
        size: Duration,
    ) {
        let window = right.window(size, secs(1));
        let table = right.history().allow_unbounded("a test");
        let latest = table.reduce_by_key(|_, new| new);
        left.join(window).to(recent);
        window.join(left).map_values(|(a, b)| (b, a)).to(other_way);
        left.left_join(table).to(growing);
        left.left_join(latest).to(changing);
        left.full_join(latest).to(all);
        left.antijoin(table.map(|(key, _)| key)).to(unknown);
    }
);

stream!(
    /// A join of more keys than fit in a cache, of which one batch leaves and one stays at a slide.
    #[batch(secs(1))]
    fn many<
        left: Source<(u32, i64)>,
        right: Source<(u32, i64)>,
        all: Sink<(u32, (i64, i64))>,
        changed: Sink<((u32, (i64, i64)), i64)>,
    >() {
        let both = left.window(secs(2), secs(2)).join(right.window(secs(3), secs(2)));
        both.to(all);
        both.changes().to(changed);
    }
);

fn batches(n: usize) -> impl Strategy<Value = Vec<Vec<Pair>>> {
    vec(vec((0..4u8, 0..3i64), 0..4), n)
}

fn two_sides() -> impl Strategy<Value = (Vec<Vec<Pair>>, Vec<Vec<Pair>>)> {
    (1..9usize).prop_flat_map(|n| (batches(n), batches(n)))
}

fn of(n: usize) -> Duration {
    secs(n as u64)
}

#[test]
fn many_keys_join_as_if_from_scratch() {
    const BATCHES: usize = 6;
    // 30,000 keys on the left; of the right those that a multiplication hits, some of them twice.
    let left = |n: usize| (0..15_000_u32).map(move |i| (i * 2 + n as u32 % 2, i64::from(i) + n as i64));
    let right = |n: usize| (0..10_000_u32).map(move |i| (i * 7 % 30_011 / 2, i64::from(i) - n as i64));
    for workers in [1, 2] {
        let ((all, contents), (changed, changes)) = (collect(), collect());
        run(Engine::new().workers(workers), BATCHES, |engine| {
            let left = queue((0..BATCHES).map(|n| left(n).collect()).collect());
            let right = queue((0..BATCHES).map(|n| right(n).collect()).collect());
            engine.start(many::Ports { left, right, all, changed }).expect("it starts")
        });
        let expected = |n: usize| {
            let mut rights = BTreeMap::<u32, Vec<i64>>::new();
            let window = (n.saturating_sub(3)..n).flat_map(right);
            window.for_each(|(key, value)| rights.entry(key).or_default().push(value));
            let pairs = (n.saturating_sub(2)..n).flat_map(left).flat_map(|(key, value)| {
                rights.get(&key).into_iter().flatten().map(move |other| (key, (value, *other)))
            });
            pairs.collect()
        };
        let slides = due(BATCHES, 2);
        at_slides(&contents, &slides, expected);
        summed(&changes, &slides, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn windows_join_as_if_from_scratch(
        (left, right) in two_sides(),
        sizes in (1..5usize, 1..5usize),
        slide in 1..4usize,
        workers in 1..3usize,
    ) {
        let n = left.len();
        let slides = due(n, slide);
        let window = |n| (last(&left, n, sizes.0), last(&right, n, sizes.1));
        let (groups_sink, all_groups) = collect();
        let (group_changes, all_group_changes) = collect();
        let (inner, all_inner) = collect();
        let (inner_changes, all_inner_changes) = collect();
        let (lefts, all_lefts) = collect();
        let (left_changes, all_left_changes) = collect();
        let (rights, all_rights) = collect();
        let (right_changes, all_right_changes) = collect();
        let (full, all_full) = collect();
        let (full_changes, all_full_changes) = collect();
        let (semi, all_semi) = collect();
        let (semi_changes, all_semi_changes) = collect();
        let (anti, all_anti) = collect();
        let (anti_changes, all_anti_changes) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let ports = windows::Ports {
                left: queue(left.clone()), right: queue(right.clone()),
                groups: groups_sink, group_changes, inner, inner_changes, lefts, left_changes, rights, right_changes,
                full, full_changes, semi, semi_changes, anti, anti_changes,
                sizes: (of(sizes.0), of(sizes.1)), slide: of(slide),
            };
            engine.start(ports).expect("it starts")
        });
        if workers == 1 {
            let of_window = |n| {
                let (a, b) = window(n);
                let mut groups = BTreeMap::<u8, (Vec<i64>, Vec<i64>)>::new();
                a.into_iter().for_each(|(key, value)| groups.entry(key).or_default().0.push(value));
                b.into_iter().for_each(|(key, value)| groups.entry(key).or_default().1.push(value));
                groups.into_iter().collect::<Vec<_>>()
            };
            at_slides(&all_groups, &slides, of_window);
            summed(&all_group_changes, &slides, of_window);
        }
        let of_window = |keep| move |(a, b): (Vec<Pair>, Vec<Pair>)| joined(&a, &b, keep);
        let expected = |n| both(of_window((false, false))(window(n)));
        at_slides(&all_inner, &slides, expected);
        summed(&all_inner_changes, &slides, expected);
        let expected = |n| left_sure(of_window((true, false))(window(n)));
        at_slides(&all_lefts, &slides, expected);
        summed(&all_left_changes, &slides, expected);
        let expected = |n| right_sure(of_window((false, true))(window(n)));
        at_slides(&all_rights, &slides, expected);
        summed(&all_right_changes, &slides, expected);
        let expected = |n| of_window((true, true))(window(n));
        at_slides(&all_full, &slides, expected);
        summed(&all_full_changes, &slides, expected);
        for (there, all, changes) in [(true, all_semi, all_semi_changes), (false, all_anti, all_anti_changes)] {
            let expected = |n| {
                let (a, b) = window(n);
                with_key(&a, &b, there)
            };
            at_slides(&all, &slides, expected);
            summed(&changes, &slides, expected);
        }
    }

    #[test]
    fn what_is_kept_joins_as_if_from_scratch(
        (left, right) in two_sides(),
        sizes in (1..5usize, 1..5usize),
        slide in 1..4usize,
        workers in 1..3usize,
    ) {
        let n = left.len();
        let slides = due(n, slide);
        let once = |mut pairs: Vec<Pair>| {
            pairs.sort();
            pairs.dedup();
            pairs
        };
        let window = |n| (once(last(&left, n, sizes.0)), once(last(&right, n, sizes.1)));
        let (groups_sink, all_groups) = collect();
        let (inner, all_inner) = collect();
        let (lefts, all_lefts) = collect();
        let (rights, all_rights) = collect();
        let (full, all_full) = collect();
        let (full_changes, all_full_changes) = collect();
        let (semi, all_semi) = collect();
        let (anti, all_anti) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let ports = kept::Ports {
                left: queue(left.clone()), right: queue(right.clone()),
                groups: groups_sink, inner, lefts, rights, full, full_changes, semi, anti,
                sizes: (of(sizes.0), of(sizes.1)), slide: of(slide),
            };
            engine.start(ports).expect("it starts")
        });
        let of_window = |n, keep| {
            let (a, b) = window(n);
            joined(&a, &b, keep)
        };
        at_slides(&all_groups, &slides, |n| {
            let (a, b) = window(n);
            groups(&a, &b).into_iter().collect()
        });
        at_slides(&all_inner, &slides, |n| both(of_window(n, (false, false))));
        at_slides(&all_lefts, &slides, |n| left_sure(of_window(n, (true, false))));
        at_slides(&all_rights, &slides, |n| right_sure(of_window(n, (false, true))));
        at_slides(&all_full, &slides, |n| of_window(n, (true, true)));
        summed(&all_full_changes, &slides, |n| of_window(n, (true, true)));
        for (there, all) in [(true, all_semi), (false, all_anti)] {
            at_slides(&all, &slides, |n| {
                let (a, b) = window(n);
                with_key(&a, &b, there)
            });
        }
    }

    #[test]
    fn a_batch_is_looked_up_in_tables(
        (left, right) in two_sides(),
        size in 1..5usize,
        workers in 1..3usize,
    ) {
        let n = left.len();
        let slides = due(n, 1);
        let (recent, all_recent) = collect();
        let (other_way, all_other_way) = collect();
        let (growing, all_growing) = collect();
        let (changing, all_changing) = collect();
        let (all, all_full) = collect();
        let (unknown, all_unknown) = collect();
        run(Engine::new().workers(workers), n, |engine| {
            let ports = tables::Ports {
                left: queue(left.clone()), right: queue(right.clone()),
                recent, other_way, growing, changing, all, unknown, size: of(size),
            };
            engine.start(ports).expect("it starts")
        });
        let batch = |n: usize| left[n - 1].clone();
        let inner = |n| both(joined(&batch(n), &last(&right, n, size), (false, false)));
        at_slides(&all_recent, &slides, inner);
        at_slides(&all_other_way, &slides, inner);
        let table = |n: usize| right[..n].concat();
        at_slides(&all_growing, &slides, |n| left_sure(joined(&batch(n), &table(n), (true, false))));
        at_slides(&all_unknown, &slides, |n| with_key(&batch(n), &table(n), false));
        // Which of two values of a batch is the later one is certain with one worker only.
        if workers == 1 {
            let latest = |n: usize| {
                let latest: BTreeMap<u8, i64> = table(n).into_iter().collect();
                latest.into_iter().collect::<Vec<_>>()
            };
            at_slides(&all_changing, &slides, |n| left_sure(joined(&batch(n), &latest(n), (true, false))));
            at_slides(&all_full, &slides, |n| joined(&batch(n), &latest(n), (true, true)));
        }
    }
}
