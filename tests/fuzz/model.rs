//! What streams mean, computed from nothing for each batch: as short as it can be said, and as slow as that is.
//!
//! None of the engine's ways is here: no panes, no differences, no state that is brought up to date but where an operator
//! *is* its state. What a stream holds at a batch is a list of records in the order in which they arrived.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Nanoseconds since the epoch.
pub(crate) type Time = u64;
pub(crate) type Pair = (u8, i64);

/// A batch interval, which all shapes share.
pub(crate) const INTERVAL: Time = 1_000_000_000;

/// The batches of a run: when each closed, early ones too.
pub(crate) struct Times {
    pub(crate) at: Vec<Time>,
    /// Of those in which only windows are delivered, because all sources had ended: the last batch before the end.
    ends: BTreeMap<Time, Time>,
}

impl Times {
    /// The batches `at`; behind each in `ends` also the next multiples of `slides`.
    pub(crate) fn new(mut at: Vec<Time>, ends: &[Time], slides: &[Time]) -> Self {
        let of = |end: &Time| {
            let end = *end;
            let next = slides.iter().map(move |slide| end.div_ceil(*slide) * slide);
            next.filter(move |next| *next > end).map(move |next| (next, end))
        };
        let ends: BTreeMap<Time, Time> = ends.iter().flat_map(of).collect();
        at.extend(ends.keys());
        at.sort_unstable();
        Times { at, ends }
    }

    /// Whether all sources had ended before a batch.
    pub(crate) fn is_at_an_end(&self, time: Time) -> bool {
        self.ends.contains_key(&time)
    }

    /// Whether a window that slides by `slide` is delivered with a batch.
    fn is_due(&self, time: Time, slide: Time) -> bool {
        match self.ends.get(&time) {
            None => time.is_multiple_of(slide),
            Some(last) => !last.is_multiple_of(slide) && last.div_ceil(slide) * slide == time,
        }
    }
}

/// A stream of batches: what is new in each of those in which something is.
#[derive(Clone)]
pub(crate) struct Batches<T> {
    times: Rc<Times>,
    at: Vec<Option<Vec<T>>>,
    /// Whether it is the contents of something, which stand until they are renewed.
    stands: bool,
}

/// What is kept: its contents as they stand at each batch, and whether they were renewed in it.
#[derive(Clone)]
pub(crate) struct Table<T> {
    times: Rc<Times>,
    at: Vec<Vec<T>>,
    renewed: Vec<bool>,
}

impl<T: Clone> Batches<T> {
    /// Of a source, which has something new in each batch, if an empty one.
    pub(crate) fn of(times: &Rc<Times>, batches: Vec<Vec<T>>) -> Self {
        let mut batches = batches.into_iter();
        let at = times.at.iter().map(|time| if times.is_at_an_end(*time) { None } else { batches.next() });
        Batches { times: times.clone(), at: at.collect(), stands: false }
    }

    /// What `f` makes of each batch.
    pub(crate) fn each<U>(&self, f: impl Fn(&[T]) -> Vec<U>) -> Batches<U> {
        let at = self.at.iter().map(|batch| batch.as_deref().map(&f)).collect();
        Batches { times: self.times.clone(), at, stands: self.stands }
    }

    /// As [`each`](Batches::each), with the time of the batch.
    pub(crate) fn each_at<U>(&self, f: impl Fn(Time, &[T]) -> Vec<U>) -> Batches<U> {
        let batches = self.times.at.iter().zip(&self.at);
        let at = batches.map(|(time, batch)| batch.as_deref().map(|batch| f(*time, batch))).collect();
        Batches { times: self.times.clone(), at, stands: self.stands }
    }

    pub(crate) fn map<U>(&self, f: impl Fn(&T) -> U) -> Batches<U> {
        self.each(|batch| batch.iter().map(&f).collect())
    }

    pub(crate) fn filter(&self, f: impl Fn(&T) -> bool) -> Self {
        self.each(|batch| batch.iter().filter(|record| f(record)).cloned().collect())
    }

    /// New in each batch in which one of the two is: of the other contents as they stand, else nothing.
    pub(crate) fn both<U: Clone, V>(
        &self,
        other: &Batches<U>,
        f: impl Fn(&[T], &[U]) -> Vec<V>,
    ) -> Batches<V> {
        let at = (0..self.at.len()).map(|i| {
            let is_new = self.at[i].is_some() || other.at[i].is_some();
            is_new.then(|| f(self.as_of(i), other.as_of(i)))
        });
        Batches { times: self.times.clone(), at: at.collect(), stands: false }
    }

    /// A join: contents that stand are looked up whenever the other has a batch, and two such are kept together.
    pub(crate) fn join<U: Clone, V>(
        &self,
        other: &Batches<U>,
        f: impl Fn(&[T], &[U]) -> Vec<V>,
    ) -> Batches<V> {
        let mut made = self.both(other, f);
        for (i, batch) in made.at.iter_mut().enumerate() {
            let looked_up = match (self.stands, other.stands) {
                (true, false) => other.at[i].is_none(),
                (false, true) => self.at[i].is_none(),
                _ => false,
            };
            if looked_up {
                *batch = None;
            }
        }
        made
    }

    /// The records of a batch, or the contents that stand then.
    fn as_of(&self, batch: usize) -> &[T] {
        match (&self.at[batch], self.stands) {
            (Some(records), _) => records,
            (None, false) => &[],
            (None, true) => self.at[..batch].iter().flatten().next_back().map_or(&[], Vec::as_slice),
        }
    }

    /// The records of both, each when it has some.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let at = self.at.iter().zip(&other.at).map(|(left, right)| {
            let is_new = left.is_some() || right.is_some();
            is_new.then(|| left.iter().chain(right).flatten().cloned().collect())
        });
        Batches { times: self.times.clone(), at: at.collect(), stands: false }
    }

    /// Each batch with what is kept, as it stands.
    pub(crate) fn with<U: Clone, V>(&self, kept: &Table<U>, f: impl Fn(&[T], &[U]) -> Vec<V>) -> Batches<V> {
        let batches = self.at.iter().zip(&kept.at);
        let at = batches.map(|(batch, contents)| batch.as_deref().map(|batch| f(batch, contents))).collect();
        Batches { times: self.times.clone(), at, stands: self.stands }
    }

    /// The records of the batches in `(t - size, t]`, at each multiple `t` of `slide`.
    pub(crate) fn window(&self, size: Time, slide: Time) -> Table<T> {
        let mut kept = Table { times: self.times.clone(), at: Vec::new(), renewed: Vec::new() };
        for (i, &time) in self.times.at.iter().enumerate() {
            let is_due = self.times.is_due(time, slide);
            let contents = match is_due {
                true => {
                    let batches = self.times.at[..=i].iter().zip(&self.at);
                    let within = batches.filter(|(came, _)| **came + size > time);
                    within.flat_map(|(_, batch)| batch.iter().flatten().cloned()).collect()
                }
                false => kept.at.last().cloned().unwrap_or_default(),
            };
            kept.at.push(contents);
            kept.renewed.push(is_due);
        }
        kept
    }

    /// All that ever came.
    pub(crate) fn history(&self) -> Table<T> {
        let mut all = Vec::new();
        let at = self.at.iter().map(|batch| {
            all.extend(batch.iter().flatten().cloned());
            all.clone()
        });
        let at = at.collect();
        Table { times: self.times.clone(), at, renewed: self.at.iter().map(Option::is_some).collect() }
    }

    /// When there is something, and what.
    pub(crate) fn delivered(&self) -> BTreeMap<Time, Vec<T>> {
        let batches = self.times.at.iter().zip(&self.at);
        batches.filter_map(|(time, batch)| Some((*time, batch.clone()?))).collect()
    }
}

/// What is known of a key, and when it had values last.
type States<S> = BTreeMap<u8, (S, Time)>;

impl Batches<Pair> {
    /// `f` makes the new state of each key in each batch; a key without values for `idle` is forgotten before.
    pub(crate) fn update_state(
        &self,
        initial: &[Pair],
        idle: Option<Time>,
        f: impl Fn(u8, Option<i64>, &[i64]) -> Option<i64>,
    ) -> Table<Pair> {
        let mut states = States::new();
        let mut is_first = true;
        self.states(|time, batch| {
            if std::mem::take(&mut is_first) {
                states.extend(initial.iter().map(|(key, state)| (*key, (*state, time))));
            }
            let mut next = States::new();
            let keys = states.keys().copied().chain(batch.iter().map(|(key, _)| *key));
            for key in keys.collect::<BTreeSet<u8>>() {
                let values: Vec<i64> = batch.iter().filter(|pair| pair.0 == key).map(|pair| pair.1).collect();
                let known = states.get(&key).copied();
                let fed = if values.is_empty() { known.map_or(time, |(_, fed)| fed) } else { time };
                if idle.is_some_and(|idle| fed < time && fed + idle <= time) {
                    continue;
                }
                if let Some(state) = f(key, known.map(|(state, _)| state), &values) {
                    next.insert(key, (state, fed));
                }
            }
            states = next;
            states.iter().map(|(key, (state, _))| (*key, *state)).collect()
        })
    }

    /// `f` is called for each record with the state of its key, and once more for a key that had none for longer than
    /// `idle`. Returns what it returned, and the states.
    pub(crate) fn map_with_state(
        &self,
        initial: &[Pair],
        idle: Option<Time>,
        f: impl Fn(u8, Option<i64>, &mut Option<i64>) -> Option<Pair>,
    ) -> (Batches<Pair>, Table<Pair>) {
        let mut states = States::new();
        let mut is_first = true;
        let mut said = Vec::new();
        let kept = self.states(|time, batch| {
            if std::mem::take(&mut is_first) {
                states.extend(initial.iter().map(|(key, state)| (*key, (Some(*state), time))));
            }
            let mut out = Vec::new();
            for &(key, value) in batch {
                let (state, touched) = states.entry(key).or_insert((None, time));
                *touched = time;
                out.extend(f(key, Some(value), state));
                if state.is_none() {
                    states.remove(&key);
                }
            }
            let is_over = |touched: Time| idle.is_some_and(|idle| touched + idle < time);
            states.retain(|key, (state, touched)| {
                if is_over(*touched) {
                    out.extend(f(*key, None, state));
                }
                !is_over(*touched)
            });
            said.push(out);
            states.iter().filter_map(|(key, (state, _))| Some((*key, (*state)?))).collect()
        });
        let mut said = said.into_iter();
        let at = self.at.iter().map(|batch| batch.as_ref().and_then(|_| said.next())).collect();
        (Batches { times: self.times.clone(), at, stands: false }, kept)
    }

    /// The states that `f` leaves after each batch.
    fn states(&self, mut f: impl FnMut(Time, &[Pair]) -> Vec<Pair>) -> Table<Pair> {
        let mut kept = Table { times: self.times.clone(), at: Vec::new(), renewed: Vec::new() };
        for (time, batch) in self.times.at.iter().zip(&self.at) {
            let contents = match batch {
                Some(batch) => f(*time, batch),
                None => kept.at.last().cloned().unwrap_or_default(),
            };
            kept.at.push(contents);
            kept.renewed.push(batch.is_some());
        }
        kept
    }
}

impl<T: Clone> Table<T> {
    /// What `f` makes of the contents.
    pub(crate) fn each<U>(&self, f: impl Fn(&[T]) -> Vec<U>) -> Table<U> {
        let at = self.at.iter().map(|contents| f(contents)).collect();
        Table { times: self.times.clone(), at, renewed: self.renewed.clone() }
    }

    pub(crate) fn map<U>(&self, f: impl Fn(&T) -> U) -> Table<U> {
        self.each(|contents| contents.iter().map(&f).collect())
    }

    pub(crate) fn filter(&self, f: impl Fn(&T) -> bool) -> Self {
        self.each(|contents| contents.iter().filter(|record| f(record)).cloned().collect())
    }

    /// As [`each`](Kept::each), with the time of the renewal.
    pub(crate) fn each_at<U: Clone>(&self, f: impl Fn(Time, &[T]) -> Vec<U>) -> Table<U> {
        let mut at: Vec<Vec<U>> = Vec::new();
        for (i, contents) in self.at.iter().enumerate() {
            let stand = || at.last().cloned().unwrap_or_default();
            at.push(if self.renewed[i] { f(self.times.at[i], contents) } else { stand() });
        }
        Table { times: self.times.clone(), at, renewed: self.renewed.clone() }
    }

    /// Renewed when one of the two is, with the other as it stands.
    pub(crate) fn both<U: Clone, V>(&self, other: &Table<U>, f: impl Fn(&[T], &[U]) -> Vec<V>) -> Table<V> {
        let at = self.at.iter().zip(&other.at).map(|(left, right)| f(left, right)).collect();
        let renewed = self.renewed.iter().zip(&other.renewed).map(|(left, right)| *left || *right).collect();
        Table { times: self.times.clone(), at, renewed }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        self.both(other, |left, right| [left, right].concat())
    }

    /// The contents as a batch, whenever they are renewed.
    pub(crate) fn snapshot(&self) -> Batches<T> {
        let contents = self.at.iter().zip(&self.renewed);
        let at = contents.map(|(contents, renewed)| renewed.then(|| contents.clone())).collect();
        Batches { times: self.times.clone(), at, stands: true }
    }

    pub(crate) fn delivered(&self) -> BTreeMap<Time, Vec<T>> {
        self.snapshot().delivered()
    }
}
