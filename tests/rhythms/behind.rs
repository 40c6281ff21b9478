//! What stands behind a stream of any kind or a union of two: sinks, counts, states, windows, `transform` and changes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use streaming_runtime::{aggregate::max, prelude::*, unbounded};

use crate::{
    kinds::{BATCHES, TABLES, WINDOWS, batches, line, ordered, side, tables, windows},
    model::{Batches, Modelled, of_batches, of_tables, of_windows, sums},
    run::{Case, Item, Pair, Store},
};

/// How often a key was seen to be renewed, and the sum of its values.
type Seen = (u8, (i64, i64));

/// The left stream alone, or united with the other.
macro_rules! one_or_both {
    ($($name:ident: $kind:ident)+) => {
        $(fn $name<'s>(left: crate::kinds::$kind<'s>, right: crate::kinds::$kind<'s>, unite: bool) -> crate::kinds::$kind<'s> {
            if unite { left.union(right) } else { left }
        })+
    };
}
one_or_both!(batches_or_both: Batches tables_or_both: Tables windows_or_both: Windows);

stream!(
    #[batch(secs(1))]
    fn behind_batches<
        items: Source<Item>,
        passed: Sink<Item>,
        whole: Sink<Pair>,
        number: Sink<i64>,
        shown: Sink<String>,
        reduced: Sink<Pair>,
        states: Sink<Seen>,
        changed: Sink<(Seen, i64)>,
        emitted: Sink<(u8, i64)>,
        mapped: Sink<(u8, i64)>,
        window: Sink<Pair>,
        counted: Sink<i64>,
    >(
        kinds: (u8, u8),
        unite: bool,
    ) {
        items.to(passed);
        let left = batches(side(items, true), true, kinds.0);
        let right = batches(side(items, false), false, kinds.1);
        let both = batches_or_both(left, right, unite);
        both.to(whole);
        both.count().to(number);
        both.transform(|_, pairs| [line(ordered(pairs))]).to(shown);
        both.reduce_by_key(|a, b| a + b).to(reduced);
        let seen = both
            .update_state(|_, seen: Option<(i64, i64)>, new: &[i64]| {
                let (calls, sum) = seen.unwrap_or_default();
                Some((calls + 1, sum + new.iter().sum::<i64>()))
            })
            .allow_unbounded("a test");
        seen.to(states);
        seen.changes().to(changed);
        let (counts, known) =
            both.map_with_state(unbounded("a test"), |key, _, known: &mut KeyState<i64>| {
                let n = known.get().copied().unwrap_or_default() + 1;
                known.update(n);
                Some((*key, n))
            });
        counts.to(emitted);
        known.to(mapped);
        let recent = both.window(secs(6), secs(6));
        recent.to(window);
        recent.count().to(counted);
    }
);

stream!(
    #[batch(secs(1))]
    fn behind_tables<
        items: Source<Item>,
        passed: Sink<Item>,
        whole: Sink<Pair>,
        changed: Sink<(Pair, i64)>,
        number: Sink<i64>,
        shown: Sink<String>,
        reduced: Sink<(i64, u8)>,
        reduced_changes: Sink<((i64, u8), i64)>,
        states: Sink<Seen>,
        window: Sink<Pair>,
    >(
        kinds: (u8, u8),
        unite: bool,
    ) {
        items.to(passed);
        let left = tables(side(items, true), true, kinds.0);
        let right = tables(side(items, false), false, kinds.1);
        let both = tables_or_both(left, right, unite);
        both.to(whole);
        both.changes().to(changed);
        both.count().to(number);
        both.transform(|_, pairs| [line(ordered(pairs))]).to(shown);
        let largest = both.map(|(key, value)| (value % 2, key)).aggregate_by_key(max());
        largest.to(reduced);
        largest.changes().to(reduced_changes);
        both.update_state(|_, seen: Option<(i64, i64)>, new: &[i64]| {
            let (calls, sum) = seen.unwrap_or_default();
            Some((calls + 1, sum + new.iter().sum::<i64>()))
        })
        .allow_unbounded("a test")
        .to(states);
        both.window(secs(6), secs(6)).to(window);
    }
);

stream!(
    #[batch(secs(1))]
    fn behind_windows<
        items: Source<Item>,
        passed: Sink<Item>,
        whole: Sink<Pair>,
        changed: Sink<(Pair, i64)>,
        number: Sink<i64>,
        shown: Sink<String>,
        reduced: Sink<Pair>,
        reduced_changes: Sink<(Pair, i64)>,
    >(
        kinds: (u8, u8),
        unite: bool,
    ) {
        items.to(passed);
        let left = windows(side(items, true), true, kinds.0);
        let right = windows(side(items, false), false, kinds.1);
        let both = windows_or_both(left, right, unite);
        both.to(whole);
        both.changes().to(changed);
        both.count().to(number);
        both.transform(|_, pairs| [line(ordered(pairs))]).to(shown);
        let totals = both.reduce_by_key(|a, b| a + b);
        totals.to(reduced);
        totals.changes().to(reduced_changes);
    }
);

fn shown_of(pairs: Vec<Pair>) -> Vec<String> {
    vec![line(ordered(pairs))]
}

fn number_of(pairs: Vec<Pair>) -> Vec<i64> {
    vec![pairs.len() as i64]
}

/// The states of `update_state`: it is called for each key, whenever the stream is renewed.
fn seen(renewals: &[Vec<Pair>]) -> Vec<Seen> {
    let mut states = BTreeMap::<u8, (i64, i64)>::new();
    for renewal in renewals {
        renewal.iter().for_each(|pair| states.entry(pair.0).or_default().1 += pair.1);
        states.values_mut().for_each(|(calls, _)| *calls += 1);
    }
    states.into_iter().collect()
}

fn times(renewals: &[Vec<Pair>]) -> Vec<(u8, i64)> {
    sums(&renewals.concat().into_iter().map(|(key, _)| (key, 1)).collect::<Vec<_>>())
}

/// The numbers that `map_with_state` gives to the records of the last renewal.
fn numbered(renewals: &[Vec<Pair>]) -> Vec<(u8, i64)> {
    let (last, before) = renewals.split_last().expect("there is one");
    let mut counts: BTreeMap<u8, i64> = times(before).into_iter().collect();
    let number = |pair: &Pair| {
        let n = counts.entry(pair.0).or_default();
        *n += 1;
        (pair.0, *n)
    };
    last.iter().map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn batches_are_followed(case in Case::any(BATCHES, BATCHES), unite: bool) {
        let (passed, whole, number, shown, reduced) = <(Store<Item>, Store<Pair>, Store<i64>, Store<String>, Store<Pair>)>::default();
        let (states, changed, emitted, mapped) = <(Store<Seen>, Store<(Seen, i64)>, Store<Pair>, Store<Pair>)>::default();
        let (window, counted) = <(Store<Pair>, Store<i64>)>::default();
        let kinds = case.kinds;
        let upto = case.run(|engine, items| {
            engine.start(behind_batches::Ports {
                items,
                passed: passed.clone(),
                whole: whole.clone(),
                number: number.clone(),
                shown: shown.clone(),
                reduced: reduced.clone(),
                states: states.clone(),
                changed: changed.clone(),
                emitted: emitted.clone(),
                mapped: mapped.clone(),
                window: window.clone(),
                counted: counted.clone(),
                kinds,
                unite,
            }).expect("it starts")
        });
        let batches = Batches::of(passed.batches());
        let (left, right) = (of_batches(&batches, true, kinds.0), of_batches(&batches, false, kinds.1));
        let both = if unite { left.union(&right) } else { left };
        both.is_delivered("whole", &whole.batches(), upto);
        both.map(number_of).is_delivered("count", &number.batches(), upto);
        both.map(shown_of).is_delivered("transform", &shown.batches(), upto);
        both.map(|pairs| sums(&pairs)).is_delivered("reduce_by_key", &reduced.batches(), upto);
        both.fold(seen).is_delivered("update_state", &states.batches(), upto);
        both.fold(seen).is_summed("update_state", &changed.batches(), upto);
        both.fold(numbered).is_delivered("map_with_state", &emitted.batches(), upto);
        both.fold(times).is_delivered("its states", &mapped.batches(), upto);
        both.window(6, 6).is_delivered("window", &window.batches(), upto);
        both.window(6, 6).map(number_of).is_delivered("count of the window", &counted.batches(), upto);
    }

    #[test]
    fn tables_are_followed(case in Case::any(TABLES, TABLES), unite: bool) {
        let (passed, whole, changed, number) = <(Store<Item>, Store<Pair>, Store<(Pair, i64)>, Store<i64>)>::default();
        let (shown, states, window) = <(Store<String>, Store<Seen>, Store<Pair>)>::default();
        let (reduced, reduced_changes) = <(Store<(i64, u8)>, Store<((i64, u8), i64)>)>::default();
        let kinds = case.kinds;
        let upto = case.run(|engine, items| {
            engine.start(behind_tables::Ports {
                items,
                passed: passed.clone(),
                whole: whole.clone(),
                changed: changed.clone(),
                number: number.clone(),
                shown: shown.clone(),
                reduced: reduced.clone(),
                reduced_changes: reduced_changes.clone(),
                states: states.clone(),
                window: window.clone(),
                kinds,
                unite,
            }).expect("it starts")
        });
        let batches = Batches::of(passed.batches());
        let (left, right) = (of_tables(&batches, true, kinds.0), of_tables(&batches, false, kinds.1));
        let both = if unite { left.kept_union(&right) } else { left };
        both.is_delivered("whole", &whole.batches(), upto);
        both.is_summed("whole", &changed.batches(), upto);
        both.map(number_of).is_delivered("count", &number.batches(), upto);
        both.map(shown_of).is_delivered("transform", &shown.batches(), upto);
        let largest = both.map(|pairs| {
            let mut largest = BTreeMap::<i64, u8>::new();
            for (key, value) in pairs {
                let largest = largest.entry(value % 2).or_default();
                *largest = key.max(*largest);
            }
            largest.into_iter().collect()
        });
        largest.is_delivered("aggregate_by_key", &reduced.batches(), upto);
        largest.is_summed("aggregate_by_key", &reduced_changes.batches(), upto);
        both.fold(seen).is_delivered("update_state", &states.batches(), upto);
        both.window(6, 6).is_delivered("window", &window.batches(), upto);
    }

    #[test]
    fn windows_are_followed(case in Case::any(WINDOWS, WINDOWS), unite: bool) {
        let (passed, whole, changed, number) = <(Store<Item>, Store<Pair>, Store<(Pair, i64)>, Store<i64>)>::default();
        let (shown, reduced, reduced_changes) = <(Store<String>, Store<Pair>, Store<(Pair, i64)>)>::default();
        // Windows of two sizes or slides cannot be united.
        let kinds = (case.kinds.0, if unite { case.kinds.0 } else { case.kinds.1 });
        let upto = case.run(|engine, items| {
            engine.start(behind_windows::Ports {
                items,
                passed: passed.clone(),
                whole: whole.clone(),
                changed: changed.clone(),
                number: number.clone(),
                shown: shown.clone(),
                reduced: reduced.clone(),
                reduced_changes: reduced_changes.clone(),
                kinds,
                unite,
            }).expect("it starts")
        });
        let batches = Batches::of(passed.batches());
        let (left, right) = (of_windows(&batches, true, kinds.0), of_windows(&batches, false, kinds.1));
        let both: Modelled = if unite { left.kept_union(&right) } else { left };
        both.is_delivered("whole", &whole.batches(), upto);
        both.is_summed("whole", &changed.batches(), upto);
        both.map(number_of).is_delivered("count", &number.batches(), upto);
        both.map(shown_of).is_delivered("transform", &shown.batches(), upto);
        both.map(|pairs| sums(&pairs)).is_delivered("reduce_by_key", &reduced.batches(), upto);
        both.map(|pairs| sums(&pairs)).is_summed("reduce_by_key", &reduced_changes.batches(), upto);
    }
}
