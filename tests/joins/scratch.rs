//! The same joins from scratch, and what of them is due at each slide.

use super::*;

pub(super) fn in_order(mut values: Vec<i64>) -> Vec<i64> {
    values.sort();
    values
}

pub(super) fn groups(left: &[Pair], right: &[Pair]) -> BTreeMap<u8, (Vec<i64>, Vec<i64>)> {
    let mut groups = BTreeMap::<u8, (Vec<i64>, Vec<i64>)>::new();
    left.iter().for_each(|&(key, value)| groups.entry(key).or_default().0.push(value));
    right.iter().for_each(|&(key, value)| groups.entry(key).or_default().1.push(value));
    groups.into_iter().map(|(key, (a, b))| (key, (in_order(a), in_order(b)))).collect()
}

/// What a join makes of each key's values, missing ones as `None` where that side is kept alone.
pub(super) fn joined(left: &[Pair], right: &[Pair], (keep_left, keep_right): (bool, bool)) -> Vec<Outer> {
    let mut made = Vec::new();
    for (key, (a, b)) in groups(left, right) {
        let some = |values: &[i64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        let (mut a, mut b) = (some(&a), some(&b));
        if b.is_empty() && keep_left {
            b.push(None);
        }
        if a.is_empty() && keep_right {
            a.push(None);
        }
        a.iter().for_each(|&a| b.iter().for_each(|&b| made.push((key, (a, b)))));
    }
    sorted(made)
}

pub(super) fn both(made: Vec<Outer>) -> Vec<(u8, (i64, i64))> {
    made.into_iter().map(|(key, (a, b))| (key, (a.expect("left"), b.expect("right")))).collect()
}

pub(super) fn left_sure(made: Vec<Outer>) -> Vec<(u8, (i64, Option<i64>))> {
    made.into_iter().map(|(key, (a, b))| (key, (a.expect("left"), b))).collect()
}

pub(super) fn right_sure(made: Vec<Outer>) -> Vec<(u8, (Option<i64>, i64))> {
    made.into_iter().map(|(key, (a, b))| (key, (a, b.expect("right")))).collect()
}

pub(super) fn with_key(left: &[Pair], right: &[Pair], there: bool) -> Vec<Pair> {
    let is_there = |pair: &&Pair| right.iter().any(|other| other.0 == pair.0);
    sorted(left.iter().filter(|pair| is_there(pair) == there).copied())
}

/// The last `size` batches before the end of batch `n`, from 1. There may be fewer than `n`.
pub(super) fn last(batches: &[Vec<Pair>], n: usize, size: usize) -> Vec<Pair> {
    let end = n.min(batches.len());
    batches[n.saturating_sub(size).min(end)..end].concat()
}

/// When a job of some batches delivers.
pub(super) struct Due {
    pub(super) slides: Vec<usize>,
    /// The next slide, if the sources end between two: what is held then is delivered as at that one.
    pub(super) end: Option<usize>,
}

pub(super) fn due(batches: usize, slide: usize) -> Due {
    let next = batches.next_multiple_of(slide);
    Due { slides: (1..=batches).filter(|n| n % slide == 0).collect(), end: (next > batches).then_some(next) }
}

/// Holds what was delivered, at each slide and at the end, against what is expected.
pub(super) fn at_slides<T: Clone + Ord + std::fmt::Debug>(
    delivered: &Collected<T>,
    due: &Due,
    expected: impl Fn(usize) -> Vec<T>,
) {
    let got: Vec<_> = delivered
        .batches()
        .into_iter()
        .map(|batch| (batch.time.as_millis(), sorted(batch.records)))
        .collect();
    let at = |n: usize| (1000 * n as u64, sorted(expected(n)));
    let (slides, end) = got.split_at(due.slides.len().min(got.len()));
    assert_eq!(slides, due.slides.iter().map(|n| at(*n)).collect::<Vec<_>>());
    match (end, due.end) {
        ([], None) => {}
        ([], Some(n)) => assert_eq!(at(n).1, [], "it is held at the end, so it is delivered"),
        (end, Some(n)) => assert_eq!(end, [at(n)]),
        (end, None) => panic!("at the end of a slide all was said: {end:?}"),
    }
}

/// Holds the sum of the changes up to each slide, and up to the end, against what is expected.
pub(super) fn summed<T: Clone + Ord + std::fmt::Debug>(
    delivered: &Collected<(T, i64)>,
    due: &Due,
    expected: impl Fn(usize) -> Vec<T>,
) {
    let mut sum = BTreeMap::<T, i64>::new();
    let delivered = delivered.batches();
    let times: Vec<usize> = due.slides.iter().copied().chain(due.end).collect();
    assert!((due.slides.len()..=times.len()).contains(&delivered.len()), "{} batches", delivered.len());
    let is_left = delivered.len() < times.len();
    let mut all = Vec::new();
    for (batch, n) in delivered.into_iter().zip(times) {
        batch.records.into_iter().for_each(|(record, times)| *sum.entry(record).or_default() += times);
        all.clear();
        for (record, &times) in &sum {
            assert!(times >= 0, "{record:?} is taken back before it was there");
            all.extend((0..times).map(|_| record.clone()));
        }
        assert_eq!(all, sorted(expected(n)), "changes up to batch {n}");
    }
    // No batch at the end: nothing changes by then, or nothing is held.
    if let (true, Some(n)) = (is_left, due.end) {
        let held = sorted(expected(n));
        assert!(held.is_empty() || held == all, "{held:?} is held at the end");
    }
}
