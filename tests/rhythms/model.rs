//! What streams with different rhythms mean, by recomputing each batch from all batches so far: the table of the crate
//! docs, as naively as it can be written.

use std::{collections::BTreeMap, fmt::Debug};

use streaming_runtime::connect::Batch;

use crate::run::{Item, Pair};

/// The batches that there were, with their times in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Batches(Vec<(u64, Vec<Item>)>);

const SECOND: u64 = 1_000_000_000;

impl Batches {
    pub(crate) fn of(passed: Vec<Batch<Item>>) -> Self {
        Batches(passed.into_iter().map(|batch| (batch.time.as_nanos(), batch.records)).collect())
    }

    fn side(&self, left: bool) -> Vec<Vec<Pair>> {
        let of = |items: &Vec<Item>| items.iter().filter(|item| item.0 == left).map(|item| item.1).collect();
        self.0.iter().map(|(_, items)| of(items)).collect()
    }

    fn times(&self) -> Vec<u64> {
        self.0.iter().map(|(time, _)| *time).collect()
    }
}

/// A stream: for each batch what it has in it, if the batch renews it.
#[derive(Clone, Debug)]
pub(crate) struct Modelled<T = Pair> {
    times: Vec<u64>,
    renewed: Vec<Option<Vec<T>>>,
    /// Whether what it has stands until it is renewed.
    stands: bool,
}

/// When something is renewed: by each batch, or at multiples of seconds.
fn at(times: &[u64], slide: Option<u64>) -> Vec<bool> {
    times.iter().map(|time| slide.is_none_or(|slide| time.is_multiple_of(slide * SECOND))).collect()
}

impl<T: Clone> Modelled<T> {
    fn new(times: &[u64], slide: Option<u64>, stands: bool, of: impl Fn(usize) -> Vec<T>) -> Self {
        let renewed = at(times, slide).into_iter().enumerate().map(|(n, due)| due.then(|| of(n))).collect();
        Modelled { times: times.to_vec(), renewed, stands }
    }

    /// What there is in each batch, from then or from the last renewal.
    fn standing(&self) -> Vec<Vec<T>> {
        let mut last = Vec::new();
        let each = self.renewed.iter().map(|renewed| {
            last = renewed.clone().unwrap_or_else(|| last.clone());
            last.clone()
        });
        each.collect()
    }

    /// What there is in each batch for another stream that is renewed by it.
    fn met(&self) -> Vec<Vec<T>> {
        match self.stands {
            true => self.standing(),
            false => self.renewed.iter().map(|renewed| renewed.clone().unwrap_or_default()).collect(),
        }
    }

    fn is_with<U>(&self, other: &Modelled<U>) -> bool {
        self.renewed.iter().zip(&other.renewed).all(|(one, other)| one.is_some() == other.is_some())
    }

    /// Both streams, whenever the batch renews `due` of the one and of the other, by what each has.
    fn both<U: Clone, R: Clone>(
        &self,
        other: &Modelled<U>,
        due: impl Fn(bool, bool) -> bool,
        of: impl Fn(Vec<T>, Vec<U>) -> Vec<R>,
    ) -> Modelled<R> {
        let (left, right) = (self.met(), other.met());
        let renewed = (0..self.times.len()).map(|n| {
            let is_due = due(self.renewed[n].is_some(), other.renewed[n].is_some());
            is_due.then(|| of(left[n].clone(), right[n].clone()))
        });
        Modelled {
            times: self.times.clone(),
            renewed: renewed.collect(),
            stands: self.stands && other.stands,
        }
    }

    pub(crate) fn map<R: Clone>(&self, of: impl Fn(Vec<T>) -> Vec<R>) -> Modelled<R> {
        let renewed = self.renewed.iter().map(|renewed| renewed.clone().map(&of)).collect();
        Modelled { times: self.times.clone(), renewed, stands: self.stands }
    }

    /// What a window of seconds holds, and each time that it is renewed.
    pub(crate) fn window(&self, size: u64, slide: u64) -> Modelled<T> {
        Modelled::new(&self.times, Some(slide), true, |n| {
            let is_in = |time: u64| time <= self.times[n] && time + size * SECOND > self.times[n];
            let all = self.renewed.iter().zip(&self.times).filter(|(_, time)| is_in(**time));
            all.filter_map(|(renewed, _)| renewed.clone()).flatten().collect()
        })
    }

    /// What an operator makes that remembers all renewals so far.
    pub(crate) fn fold<R: Clone>(&self, of: impl Fn(&[Vec<T>]) -> Vec<R>) -> Modelled<R> {
        let mut so_far = Vec::new();
        let renewed = self.renewed.iter().map(|renewed| {
            so_far.push(renewed.clone()?);
            Some(of(&so_far))
        });
        Modelled { times: self.times.clone(), renewed: renewed.collect(), stands: true }
    }

    /// A stream of batches with another.
    pub(crate) fn union(&self, other: &Modelled<T>) -> Modelled<T> {
        let renewed = self.renewed.iter().zip(&other.renewed).map(|both| match both {
            (None, None) => None,
            (one, other) => {
                Some([one.clone().unwrap_or_default(), other.clone().unwrap_or_default()].concat())
            }
        });
        let stands = self.stands && other.stands && self.is_with(other);
        Modelled { times: self.times.clone(), renewed: renewed.collect(), stands }
    }

    /// What is kept with what is kept.
    pub(crate) fn kept_union(&self, other: &Modelled<T>) -> Modelled<T> {
        self.both(other, |one, other| one || other, |one, other| [one, other].concat())
    }

    /// What a `transform_with` sees.
    pub(crate) fn with<R: Clone>(
        &self,
        other: &Modelled<T>,
        of: impl Fn(Vec<T>, Vec<T>) -> Vec<R>,
    ) -> Modelled<R> {
        self.both(other, |one, other| one || other, of)
    }
}

impl<T: Clone + Ord + Debug> Modelled<T> {
    /// Holds what a sink got against it: each renewal, with its time.
    pub(crate) fn is_delivered(&self, what: &str, got: &[Batch<T>], upto: u64) {
        let sorted = |mut records: Vec<T>| {
            records.sort();
            records
        };
        let got: Vec<_> = got
            .iter()
            .map(|batch| (batch.time.as_nanos(), sorted(batch.records.clone())))
            .filter(|batch| batch.0 <= upto)
            .collect();
        let renewals = self.times.iter().zip(&self.renewed);
        let expected: Vec<_> = renewals
            .filter_map(|(time, renewed)| Some((*time, sorted(renewed.clone()?))))
            .filter(|batch| batch.0 <= upto)
            .collect();
        assert_eq!(got, expected, "{what}");
    }

    /// Holds the sum of the changes that a sink got against it.
    pub(crate) fn is_summed(&self, what: &str, got: &[Batch<(T, i64)>], upto: u64) {
        let mut sum = BTreeMap::<T, i64>::new();
        let summed: Vec<Batch<T>> = got
            .iter()
            .map(|batch| {
                batch.records.iter().for_each(|(record, n)| *sum.entry(record.clone()).or_default() += n);
                let records = sum.iter().flat_map(|(record, n)| {
                    assert!(*n >= 0, "{what}: {record:?} is taken back before it was there");
                    std::iter::repeat_n(record.clone(), *n as usize)
                });
                Batch { time: batch.time, records: records.collect() }
            })
            .collect();
        self.is_delivered(&format!("changes of {what}"), &summed, upto);
    }
}

/// How two streams are joined.
#[derive(Clone, Copy)]
pub(crate) enum Sides {
    /// Two streams of batches.
    Batches,
    /// The left one is looked up in what is kept.
    LeftInTable,
    RightInTable,
    /// Both are kept.
    Table,
}

impl Modelled {
    pub(crate) fn join<R: Clone>(
        &self,
        other: &Modelled,
        sides: Sides,
        of: impl Fn(Vec<Pair>, Vec<Pair>) -> Vec<R>,
    ) -> Modelled<R> {
        // What belongs to its batch decides when it meets what stands.
        let due = |one: bool, right: bool| match sides {
            Sides::LeftInTable => one,
            Sides::RightInTable => right,
            Sides::Table => one || right,
            Sides::Batches => match (self.stands, other.stands) {
                _ if self.is_with(other) => one,
                (true, false) => right,
                (false, true) => one,
                _ => one || right,
            },
        };
        self.both(other, due, of)
    }
}

pub(crate) fn sums(pairs: &[Pair]) -> Vec<Pair> {
    let mut sums = BTreeMap::<u8, i64>::new();
    pairs.iter().for_each(|(key, value)| *sums.entry(*key).or_default() += value);
    sums.into_iter().collect()
}

/// The stream of batches of that kind, see [`kinds`](crate::kinds).
pub(crate) fn of_batches(batches: &Batches, left: bool, kind: u8) -> Modelled {
    let (side, times) = (batches.side(left), batches.times());
    let own = Modelled::new(&times, None, false, |n| side[n].clone());
    let slid = |size, slide| own.window(size, slide).map(|pairs| sums(&pairs));
    match kind {
        0 => own,
        1 => slid(2, 1),
        2 => slid(3, 2),
        3 => totals(&own),
        4 => own.union(&slid(3, 2)),
        5 => Modelled { stands: false, ..slid(4, 2) },
        _ => slid(2, 1).union(&slid(3, 2)),
    }
}

pub(crate) fn of_windows(batches: &Batches, left: bool, kind: u8) -> Modelled {
    let own = of_batches(batches, left, 0);
    match kind {
        0 => own.window(2, 1),
        1 => own.window(3, 2),
        2 => own.window(2, 3),
        _ => own.fold(|batches| batches.concat()),
    }
}

pub(crate) fn of_tables(batches: &Batches, left: bool, kind: u8) -> Modelled {
    let own = of_batches(batches, left, 0);
    let slid = |size, slide| own.window(size, slide).map(|pairs| sums(&pairs));
    match kind {
        0 => slid(2, 1),
        1 => slid(4, 2),
        2 => slid(3, 3),
        3 => totals(&own),
        4 => slid(4, 2).kept_union(&totals(&own)),
        _ => slid(4, 2).kept_union(&slid(3, 3)),
    }
}

fn totals(own: &Modelled) -> Modelled {
    own.fold(|batches| sums(&batches.concat()))
}
