//! What shapes make of records, and their models too: small functions of which every input shows in the result.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Pair;

/// A value that is missing.
const NONE: i64 = 7_777;

pub(crate) fn add(a: i64, b: i64) -> i64 {
    a.wrapping_add(b)
}

pub(crate) fn subtract(a: i64, b: i64) -> i64 {
    a.wrapping_sub(b)
}

/// One number of two, which tells left from right.
pub(crate) fn mix(a: i64, b: i64) -> i64 {
    a.wrapping_mul(31).wrapping_add(b)
}

/// As [`mix`], of values that may be missing.
pub(crate) fn mix_some(a: Option<i64>, b: Option<i64>) -> i64 {
    mix(a.unwrap_or(NONE), b.unwrap_or(NONE))
}

/// One number of many, which tells their order.
pub(crate) fn in_order<'a>(values: impl IntoIterator<Item = &'a i64>) -> i64 {
    values.into_iter().fold(1, |all, value| mix(all, *value))
}

/// One number of many, whatever their order.
pub(crate) fn in_any_order(values: &[i64]) -> i64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    in_order(&values)
}

/// The values of each key, in their order.
pub(crate) fn groups(records: &[Pair]) -> BTreeMap<u8, Vec<i64>> {
    let mut groups = BTreeMap::<u8, Vec<i64>>::new();
    records.iter().for_each(|(key, value)| groups.entry(*key).or_default().push(*value));
    groups
}

/// What `f` makes of the values of each key.
pub(crate) fn by_key(records: &[Pair], f: impl Fn(&[i64]) -> i64) -> Vec<Pair> {
    groups(records).into_iter().map(|(key, values)| (key, f(&values))).collect()
}

pub(crate) fn sum(values: &[i64]) -> i64 {
    values.iter().copied().fold(0, add)
}

pub(crate) fn sums(records: &[Pair]) -> Vec<Pair> {
    by_key(records, sum)
}

pub(crate) fn most(values: &[i64]) -> i64 {
    values.iter().copied().max().expect("a group has a value")
}

pub(crate) fn least(values: &[i64]) -> i64 {
    values.iter().copied().min().expect("a group has a value")
}

/// The `k` largest, largest first.
pub(crate) fn largest(values: &[i64], k: usize) -> i64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(|a, b| b.cmp(a));
    in_order(values.iter().take(k))
}

pub(crate) fn distinct(records: &[Pair]) -> Vec<Pair> {
    records.iter().copied().collect::<BTreeSet<Pair>>().into_iter().collect()
}

pub(crate) fn keys(records: &[Pair]) -> BTreeSet<u8> {
    records.iter().map(|(key, _)| *key).collect()
}

/// Every pair of records with one key.
pub(crate) fn inner(left: &[Pair], right: &[Pair]) -> Vec<Pair> {
    let of = |(key, value): &Pair| {
        let (key, value) = (*key, *value);
        right.iter().filter(move |other| other.0 == key).map(move |other| (key, mix(value, other.1)))
    };
    left.iter().flat_map(of).collect()
}

/// Pairs of the two sides' values, either of which may be missing.
fn outer(left: &[Pair], right: &[Pair], (alone_left, alone_right): (bool, bool)) -> Vec<Pair> {
    let mut made: Vec<Pair> = Vec::new();
    for (key, value) in left {
        let mut met = right.iter().filter(|other| other.0 == *key).peekable();
        if alone_left && met.peek().is_none() {
            made.push((*key, mix_some(Some(*value), None)));
        }
        made.extend(met.map(|other| (*key, mix(*value, other.1))));
    }
    if alone_right {
        let keys = keys(left);
        let alone = right.iter().filter(|(key, _)| !keys.contains(key));
        made.extend(alone.map(|(key, value)| (*key, mix_some(None, Some(*value)))));
    }
    made
}

pub(crate) fn left(a: &[Pair], b: &[Pair]) -> Vec<Pair> {
    outer(a, b, (true, false))
}

pub(crate) fn right(a: &[Pair], b: &[Pair]) -> Vec<Pair> {
    outer(a, b, (false, true))
}

pub(crate) fn full(a: &[Pair], b: &[Pair]) -> Vec<Pair> {
    outer(a, b, (true, true))
}

/// The records whose key the others have.
pub(crate) fn semi(records: &[Pair], others: &[Pair]) -> Vec<Pair> {
    let keys = keys(others);
    records.iter().filter(|(key, _)| keys.contains(key)).copied().collect()
}

/// The records whose key the others have not.
pub(crate) fn anti(records: &[Pair], others: &[Pair]) -> Vec<Pair> {
    let keys = keys(others);
    records.iter().filter(|(key, _)| !keys.contains(key)).copied().collect()
}

/// For each key, the values of both sides, in any order.
pub(crate) fn cogroup(left: &[Pair], right: &[Pair]) -> Vec<Pair> {
    let (left, right) = (groups(left), groups(right));
    let keys: BTreeSet<u8> = left.keys().chain(right.keys()).copied().collect();
    let of = |groups: &BTreeMap<u8, Vec<i64>>, key| in_any_order(groups.get(&key).map_or(&[], Vec::as_slice));
    keys.into_iter().map(|key| (key, mix(of(&left, key), of(&right, key)))).collect()
}
