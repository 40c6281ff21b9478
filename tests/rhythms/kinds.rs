//! Streams of all kinds and rhythms, each made of the records of a source.

use std::fmt::Debug;

use streaming_runtime::{Kept, Windowed, prelude::*, unbounded};

use crate::run::{Item, Pair};

pub(crate) type Batches<'s> = Stream<'s, Pair>;
pub(crate) type Windows<'s> = Stream<'s, Pair, Windowed>;
pub(crate) type Tables<'s> = Stream<'s, Pair, Kept>;

/// The number of kinds of streams of batches, of windows and of tables.
pub(crate) const BATCHES: u8 = 7;
pub(crate) const WINDOWS: u8 = 4;
pub(crate) const TABLES: u8 = 6;

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

pub(crate) fn ordered<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

pub(crate) fn line(record: impl Debug) -> String {
    format!("{record:?}")
}
