//! Every operator that brings two streams together, on all kinds of both.

use std::collections::BTreeSet;

use proptest::prelude::*;
use streaming_runtime::prelude::*;

use crate::{
    kinds::{BATCHES, TABLES, WINDOWS, batches, line, ordered, side, tables, windows},
    model::{Batches, Sides, of_batches, of_tables, of_windows},
    run::{Case, Item, Pair, Store},
};

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
                let left = $left(side(items, true), true, kinds.0);
                let right = $right(side(items, false), false, kinds.1);
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
    let keys: BTreeSet<u8> = a.iter().chain(b).map(|pair| pair.0).collect();
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

/// Runs a pipeline of [`meeting`] and holds it against the model.
macro_rules! holds {
    ($pipeline:ident, $case:expr, $left:expr, $right:expr, $sides:expr $(, $changed:ident)?) => {{
        let case: Case = $case;
        let passed = Store::default();
        let stores: [Store<String>; 8] = Default::default();
        $(let $changed = Store::default();)?
        let kinds = case.kinds;
        let upto = case.run(|engine, items| {
            let [inner, lefts, rights, full, semi, anti, groups, with] = stores.clone();
            let passed = passed.clone();
            $(let $changed = $changed.clone();)?
            let ports = $pipeline::Ports {
                items, passed, inner, lefts, rights, full, semi, anti, groups, with, $($changed,)? kinds,
            };
            engine.start(ports).expect("it starts")
        });
        let batches = Batches::of(passed.batches());
        let (left, right) = ($left(&batches, true, kinds.0), $right(&batches, false, kinds.1));
        for (n, name) in JOINS.iter().enumerate() {
            let joined = left.join(&right, $sides, |a, b| joins(&a, &b)[n].clone());
            joined.is_delivered(name, &stores[n].batches(), upto);
        }
        let seen = left.with(&right, |a, b| vec![line((ordered(a), ordered(b)))]);
        seen.is_delivered("transform_with", &stores[7].batches(), upto);
        $(
            let all = left.join(&right, $sides, |a, b| joins(&a, &b).concat());
            all.is_summed("all joins", &$changed.batches(), upto);
        )?
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn batches_meet_batches(case in Case::any(BATCHES, BATCHES)) {
        holds!(batches_with_batches, case, of_batches, of_batches, Sides::Batches);
    }

    #[test]
    fn batches_meet_windows(case in Case::any(BATCHES, WINDOWS)) {
        holds!(batches_with_windows, case, of_batches, of_windows, Sides::LeftInTable);
    }

    #[test]
    fn windows_meet_batches(case in Case::any(WINDOWS, BATCHES)) {
        holds!(windows_with_batches, case, of_windows, of_batches, Sides::RightInTable);
    }

    #[test]
    fn batches_meet_tables(case in Case::any(BATCHES, TABLES)) {
        holds!(batches_with_tables, case, of_batches, of_tables, Sides::LeftInTable);
    }

    #[test]
    fn tables_meet_batches(case in Case::any(TABLES, BATCHES)) {
        holds!(tables_with_batches, case, of_tables, of_batches, Sides::RightInTable);
    }

    #[test]
    fn windows_meet_windows(case in Case::any(WINDOWS, WINDOWS)) {
        holds!(windows_with_windows, case, of_windows, of_windows, Sides::Table, changed);
    }

    #[test]
    fn windows_meet_tables(case in Case::any(WINDOWS, TABLES)) {
        holds!(windows_with_tables, case, of_windows, of_tables, Sides::Table, changed);
    }

    #[test]
    fn tables_meet_windows(case in Case::any(TABLES, WINDOWS)) {
        holds!(tables_with_windows, case, of_tables, of_windows, Sides::Table, changed);
    }

    #[test]
    fn tables_meet_tables(case in Case::any(TABLES, TABLES)) {
        holds!(tables_with_tables, case, of_tables, of_tables, Sides::Table, changed);
    }
}
