//! Each operator on each mixture of kinds, with batches that close early and without, both orders of sides, one and two
//! workers: what sinks get, and when, against the model.

use proptest::prelude::*;
use streaming_runtime::{
    Engine, ManualClock,
    connect::{ChannelSource, collect},
    prelude::*,
    unbounded,
};

use crate::{
    model::{Batches, Sides, of_batches, of_kept, of_windows},
    run::{Item, Moment, Pair, Running, block_on, moments},
};

type Windows<'s> = Stream<'s, Pair, streaming_runtime::Windowed>;
type Tables<'s> = Stream<'s, Pair, streaming_runtime::Kept>;

fn slid<'s>(pairs: &Stream<'s, Pair>, size: u64, slide: u64) -> Tables<'s> {
    pairs.again().window(secs(size), secs(slide)).reduce_by_key(|a, b| a + b)
}

fn totals<'s>(pairs: &Stream<'s, Pair>) -> Tables<'s> {
    let total = |_: &u8, total: Option<i64>, new: &[i64]| Some(total.unwrap_or(0) + new.iter().sum::<i64>());
    pairs.again().update_state(total).allow_unbounded("a test")
}

/// A stream of batches: those of a source, or contents with one rhythm or another.
pub(crate) fn batches<'s>(pairs: Stream<'s, Pair>, kind: u8) -> Stream<'s, Pair> {
    match kind {
        0 => pairs,
        1 => slid(&pairs, 2, 1).snapshot(),
        2 => slid(&pairs, 3, 2).snapshot(),
        3 => totals(&pairs).snapshot(),
        4 => pairs.again().union(slid(&pairs, 3, 2).snapshot()),
        5 => {
            let contents = slid(&pairs, 4, 2).snapshot();
            let passing = contents.map_with_state(unbounded("a test"), |key, value, _: &mut KeyState<()>| {
                value.map(|value: i64| (*key, value))
            });
            passing.0
        }
        _ => slid(&pairs, 2, 1).snapshot().union(slid(&pairs, 3, 2).snapshot()),
    }
}

pub(crate) fn windows<'s>(pairs: Stream<'s, Pair>, kind: u8) -> Windows<'s> {
    match kind {
        0 => pairs.window(secs(2), secs(1)),
        1 => pairs.window(secs(3), secs(2)),
        2 => pairs.window(secs(2), secs(3)),
        _ => pairs.history().allow_unbounded("a test"),
    }
}

pub(crate) fn tables<'s>(pairs: Stream<'s, Pair>, kind: u8) -> Tables<'s> {
    match kind {
        0 => slid(&pairs, 2, 1),
        1 => slid(&pairs, 4, 2),
        2 => slid(&pairs, 3, 3),
        3 => totals(&pairs),
        4 => slid(&pairs, 4, 2).union(totals(&pairs)),
        _ => slid(&pairs, 4, 2).union(slid(&pairs, 3, 3)),
    }
}

/// The pairs of one side.
pub(crate) fn side<'s>(items: Stream<'s, Item>, left: bool) -> Stream<'s, Pair> {
    items.filter(move |item| item.0 == left).map(|item| item.1).share()
}

fn ordered<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

fn line(record: impl std::fmt::Debug) -> String {
    format!("{record:?}")
}

/// A pipeline of every operator that brings two streams together, of which the kinds are said when it is started.
macro_rules! meeting {
    ($name:ident of $left:ident and $right:ident $([$changed:ident])?) => {
        stream!(
            #[batch(secs(1))]
            fn $name<
                items: Source<Item>,
                passed: Sink<Item>,
                inner: Sink<String>,
                lefts: Sink<String>,
                rights: Sink<String>,
                full: Sink<String>,
                semi: Sink<String>,
                anti: Sink<String>,
                groups: Sink<String>,
                with: Sink<String>,
                $($changed: Sink<(String, i64)>,)?
            >(
                kinds: (u8, u8),
            ) {
                items.to(passed);
                let left = $left(side(items, true), kinds.0);
                let right = $right(side(items, false), kinds.1);
                let keys = right.map(|(key, _)| key);
                let paired = left.join(right).map(line);
                let all_left = left.left_join(right).map(line);
                let all_right = left.right_join(right).map(line);
                let all = left.full_join(right).map(line);
                let known = left.semijoin(keys).map(line);
                let unknown = left.antijoin(keys).map(line);
                let by_key = left.cogroup(right).map_values(|(a, b)| (ordered(a), ordered(b))).map(line);
                left.transform_with(right, |_, a, b| [line((ordered(a), ordered(b)))]).to(with);
                $(
                    paired
                        .union(all_left)
                        .union(all_right)
                        .union(all)
                        .union(known)
                        .union(unknown)
                        .union(by_key)
                        .changes()
                        .to($changed);
                )?
                paired.to(inner);
                all_left.to(lefts);
                all_right.to(rights);
                all.to(full);
                known.to(semi);
                unknown.to(anti);
                by_key.to(groups);
            }
        );
    };
}

meeting!(batches_with_batches of batches and batches);
meeting!(batches_with_windows of batches and windows);
meeting!(windows_with_batches of windows and batches);
meeting!(batches_with_tables of batches and tables);
meeting!(tables_with_batches of tables and batches);
meeting!(windows_with_windows of windows and windows [changed]);
meeting!(windows_with_tables of windows and tables [changed]);
meeting!(tables_with_windows of tables and windows [changed]);
meeting!(tables_with_tables of tables and tables [changed]);

/// What every operator on two streams makes of two lists.
fn joins(a: &[Pair], b: &[Pair]) -> [Vec<String>; 7] {
    let has = |pairs: &[Pair], key: u8| pairs.iter().any(|pair| pair.0 == key);
    let values = |pairs: &[Pair], key: u8| {
        ordered(pairs.iter().filter(|pair| pair.0 == key).map(|pair| pair.1).collect())
    };
    let pairs = || {
        a.iter().flat_map(|one| b.iter().filter(|other| other.0 == one.0).map(move |other| (*one, *other)))
    };
    let a_alone = || a.iter().filter(|one| !has(b, one.0));
    let b_alone = || b.iter().filter(|other| !has(a, other.0));
    let keys: std::collections::BTreeSet<u8> = a.iter().chain(b).map(|pair| pair.0).collect();
    let both = pairs().map(|((key, one), (_, other))| line((key, (one, other))));
    let with_right = pairs().map(|((key, one), (_, other))| line((key, (one, Some(other)))));
    let with_left = pairs().map(|((key, one), (_, other))| line((key, (Some(one), other))));
    let with_both = pairs().map(|((key, one), (_, other))| line((key, (Some(one), Some(other)))));
    let none = None::<i64>;
    [
        both.collect(),
        with_right.chain(a_alone().map(|(key, one)| line((key, (one, none))))).collect(),
        with_left.chain(b_alone().map(|(key, other)| line((key, (none, other))))).collect(),
        with_both
            .chain(a_alone().map(|(key, one)| line((key, (Some(one), none)))))
            .chain(b_alone().map(|(key, other)| line((key, (none, Some(other))))))
            .collect(),
        a.iter().filter(|one| has(b, one.0)).map(line).collect(),
        a_alone().map(line).collect(),
        keys.into_iter().map(|key| line((key, (values(a, key), values(b, key))))).collect(),
    ]
}

const JOINS: [&str; 7] = ["join", "left_join", "right_join", "full_join", "semijoin", "antijoin", "cogroup"];

/// A way to run a pipeline.
#[derive(Clone, Debug)]
struct Case {
    moments: Vec<Moment>,
    early: bool,
    workers: usize,
    kinds: (u8, u8),
}

impl Case {
    fn any(lefts: u8, rights: u8) -> impl Strategy<Value = Case> {
        let parts = (moments(8, false), any::<bool>(), 1..3usize, (0..lefts, 0..rights));
        parts.prop_map(|(moments, early, workers, kinds)| Case { moments, early, workers, kinds })
    }

    /// Runs a pipeline; returns the time up to which it is to be looked at. What the end of a job delivers is
    /// another matter.
    fn run(&self, start: impl FnOnce(&Engine, ChannelSource<Item>) -> streaming_runtime::Job) -> u64 {
        let clock = ManualClock::new();
        let engine = Engine::new().workers(self.workers).manual_clock(&clock).close_early(self.early);
        block_on(async {
            let mut running = Running::start(&clock, self.early, |items| start(&engine, items));
            for moment in &self.moments {
                running.pass(moment).await;
            }
            running.stop().await;
        });
        let last = self.moments.iter().filter(|moment| matches!(moment, Moment::Boundary)).count();
        last as u64 * 1_000_000_000
    }
}

/// Runs a pipeline of [`meeting`] and holds it against the model.
macro_rules! holds {
    ($pipeline:ident, $case:expr, $left:expr, $right:expr, $sides:expr $(, $changed:ident)?) => {{
        let case: &Case = &$case;
        let (passed, all) = collect();
        let (inner, one) = collect();
        let (lefts, two) = collect();
        let (rights, three) = collect();
        let (full, four) = collect();
        let (semi, five) = collect();
        let (anti, six) = collect();
        let (groups, seven) = collect();
        let (with, both) = collect();
        $(let ($changed, changes) = collect();)?
        let kinds = case.kinds;
        let upto = case.run(|engine, items| {
            let ports = $pipeline::Ports {
                items, passed, inner, lefts, rights, full, semi, anti, groups, with, $($changed,)? kinds,
            };
            engine.start(ports).expect("it starts")
        });
        let batches = Batches::of(all.batches());
        let (left, right) = ($left(&batches, true, kinds.0), $right(&batches, false, kinds.1));
        let joined = |n: usize| left.join(&right, $sides, |a, b| joins(&a, &b)[n].clone());
        for (n, got) in [one, two, three, four, five, six, seven].iter().enumerate() {
            joined(n).is_delivered(JOINS[n], &got.batches(), upto);
        }
        let seen = left.with(&right).map(|both| both.into_iter().map(|(a, b)| line((ordered(a), ordered(b)))).collect());
        seen.is_delivered("transform_with", &both.batches(), upto);
        $(
            let _ = stringify!($changed);
            let all = left.join(&right, $sides, |a, b| joins(&a, &b).concat());
            all.is_summed("all joins", &changes.batches(), upto);
        )?
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn batches_meet_batches(case in Case::any(7, 7)) {
        holds!(batches_with_batches, case, of_batches, of_batches, Sides::Batches);
    }

    #[test]
    fn batches_meet_windows(case in Case::any(7, 4)) {
        holds!(batches_with_windows, case, of_batches, of_windows, Sides::LeftInKept);
    }

    #[test]
    fn windows_meet_batches(case in Case::any(4, 7)) {
        holds!(windows_with_batches, case, of_windows, of_batches, Sides::RightInKept);
    }

    #[test]
    fn batches_meet_tables(case in Case::any(7, 6)) {
        holds!(batches_with_tables, case, of_batches, of_kept, Sides::LeftInKept);
    }

    #[test]
    fn tables_meet_batches(case in Case::any(6, 7)) {
        holds!(tables_with_batches, case, of_kept, of_batches, Sides::RightInKept);
    }

    #[test]
    fn windows_meet_windows(case in Case::any(4, 4)) {
        holds!(windows_with_windows, case, of_windows, of_windows, Sides::Kept, changed);
    }

    #[test]
    fn windows_meet_tables(case in Case::any(4, 6)) {
        holds!(windows_with_tables, case, of_windows, of_kept, Sides::Kept, changed);
    }

    #[test]
    fn tables_meet_windows(case in Case::any(6, 4)) {
        holds!(tables_with_windows, case, of_kept, of_windows, Sides::Kept, changed);
    }

    #[test]
    fn tables_meet_tables(case in Case::any(6, 6)) {
        holds!(tables_with_tables, case, of_kept, of_kept, Sides::Kept, changed);
    }
}
