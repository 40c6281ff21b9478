//! Streams of all kinds and rhythms, each made of the records of a source.

use std::fmt::Debug;

use streaming_runtime::{
    __private::OpId,
    kinds::{Table, Windowed},
    prelude::*,
    unbounded,
};

use crate::run::{Item, Pair};

pub(crate) type Batches<'s> = Stream<'s, Pair>;
pub(crate) type Windows<'s> = Stream<'s, Pair, Windowed>;
pub(crate) type Tables<'s> = Stream<'s, Pair, Table>;

/// The number of kinds of streams of batches, of windows and of tables.
pub(crate) const BATCHES: u8 = 7;
pub(crate) const WINDOWS: u8 = 4;
pub(crate) const TABLES: u8 = 6;

/// Names of operators, which functions cannot have by themselves.
const NAMES: [[OpId; 3]; 2] = [
    [OpId("right/first"), OpId("right/second"), OpId("right/passing")],
    [OpId("left/first"), OpId("left/second"), OpId("left/passing")],
];

fn slid<'s>(pairs: &Stream<'s, Pair>, name: OpId, size: u64, slide: u64) -> Tables<'s> {
    pairs.again().at(name).window(secs(size), secs(slide)).reduce_by_key(|a, b| a + b)
}

fn totals<'s>(pairs: &Stream<'s, Pair>, name: OpId) -> Tables<'s> {
    let total = |_: &u8, total: Option<i64>, new: &[i64]| Some(total.unwrap_or(0) + new.iter().sum::<i64>());
    pairs.again().at(name).update_state(total).allow_unbounded("a test")
}

/// A stream of batches: those of a source, or contents with one rhythm or another.
pub(crate) fn batches<'s>(pairs: Stream<'s, Pair>, left: bool, kind: u8) -> Stream<'s, Pair> {
    let [first, second, passing] = NAMES[usize::from(left)];
    match kind {
        0 => pairs,
        1 => slid(&pairs, first, 2, 1).snapshot(),
        2 => slid(&pairs, first, 3, 2).snapshot(),
        3 => totals(&pairs, first).snapshot(),
        4 => pairs.again().union(slid(&pairs, first, 3, 2).snapshot()),
        5 => {
            let contents = slid(&pairs, first, 4, 2).snapshot().at(passing);
            let (emitted, _) = contents
                .map_with_state(unbounded("a test"), |key, value, _: &mut KeyState<()>| {
                    value.map(|value: i64| (*key, value))
                });
            emitted
        }
        _ => slid(&pairs, first, 2, 1).snapshot().union(slid(&pairs, second, 3, 2).snapshot()),
    }
}

pub(crate) fn windows<'s>(pairs: Stream<'s, Pair>, _left: bool, kind: u8) -> Windows<'s> {
    match kind {
        0 => pairs.window(secs(2), secs(1)),
        1 => pairs.window(secs(3), secs(2)),
        2 => pairs.window(secs(2), secs(3)),
        _ => pairs.history().allow_unbounded("a test"),
    }
}

pub(crate) fn tables<'s>(pairs: Stream<'s, Pair>, left: bool, kind: u8) -> Tables<'s> {
    let [first, second, _] = NAMES[usize::from(left)];
    match kind {
        0 => slid(&pairs, first, 2, 1),
        1 => slid(&pairs, first, 4, 2),
        2 => slid(&pairs, first, 3, 3),
        3 => totals(&pairs, first),
        4 => slid(&pairs, first, 4, 2).union(totals(&pairs, second)),
        _ => slid(&pairs, first, 4, 2).union(slid(&pairs, second, 3, 3)),
    }
}

/// The pairs of one side.
pub(crate) fn side<'s>(items: Stream<'s, Item>, left: bool) -> Stream<'s, Pair> {
    items.filter(move |item| item.0 == left).map(|item| item.1).share()
}

pub(crate) fn ordered<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

pub(crate) fn line(record: impl Debug) -> String {
    format!("{record:?}")
}
