//! What is made of the values of a key, for the contenders that are written by hand.

use std::{fmt::Debug, hash::Hash};

use serde::{Deserialize, Serialize};

use crate::{measure::mix, pairs::Map};

/// An associative function of values.
pub trait Function: 'static {
    type Of: Copy + Ord + Hash + Debug + Send + Serialize + for<'a> Deserialize<'a> + 'static;
    fn of(value: i64) -> Self::Of;
    fn merge(older: Self::Of, newer: Self::Of) -> Self::Of;
    /// Whether it is what is left when all values are gone, which some contenders keep and others do not.
    fn is_nothing(of: &Self::Of) -> bool;
    /// A hash that other languages make as easily.
    fn portable(of: Self::Of) -> u64;
}

/// A function that can be undone.
pub trait Inverse: Function<Of: Default> {
    fn undo(whole: Self::Of, oldest: Self::Of) -> Self::Of;
}

pub enum Sum {}
impl Function for Sum {
    type Of = i64;
    fn of(value: i64) -> i64 {
        value
    }
    fn merge(older: i64, newer: i64) -> i64 {
        older + newer
    }
    fn is_nothing(of: &i64) -> bool {
        *of == 0 // values are positive
    }
    fn portable(of: i64) -> u64 {
        of as u64
    }
}
impl Inverse for Sum {
    fn undo(whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
}

pub enum Max {}
impl Function for Max {
    type Of = i64;
    fn of(value: i64) -> i64 {
        value
    }
    fn merge(older: i64, newer: i64) -> i64 {
        older.max(newer)
    }
    fn is_nothing(_: &i64) -> bool {
        false
    }
    fn portable(of: i64) -> u64 {
        of as u64
    }
}

/// A user's own: the least, the greatest, and how many.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Range {
    least: i64,
    greatest: i64,
    count: u64,
}

impl Function for Range {
    type Of = Range;
    fn of(value: i64) -> Range {
        Range { least: value, greatest: value, count: 1 }
    }
    fn merge(a: Range, b: Range) -> Range {
        Range { least: a.least.min(b.least), greatest: a.greatest.max(b.greatest), count: a.count + b.count }
    }
    fn is_nothing(_: &Range) -> bool {
        false
    }
    fn portable(of: Range) -> u64 {
        mix(mix(mix(of.least as u64) ^ of.greatest as u64) ^ of.count)
    }
}

/// Merges a record into a map.
#[inline]
pub fn add<K: Hash + Eq, F: Function>(map: &mut Map<K, F::Of>, key: K, of: F::Of) {
    map.entry(key).and_modify(|whole| *whole = F::merge(*whole, of)).or_insert(of);
}
