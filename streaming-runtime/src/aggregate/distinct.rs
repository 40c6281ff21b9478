//! Counts of different values.

use std::collections::{HashMap, hash_map::Entry};

use foldhash::fast::RandomState;

use super::{Aggregate, Invertible, Undo};
use crate::{panic_origin::check_itself, record::Key};

/// How many different values, exactly: it holds each of them. Where only that number is wanted of a whole stream,
/// [`distinct`](crate::Stream::distinct) spreads the values over the workers.
///
/// ```
/// # use streaming_runtime::{aggregate::{count, count_distinct}, prelude::*};
/// stream!(
///     /// Views and visitors of each page.
///     #[batch(secs(1))]
///     fn pages<views: Source<(String, u64)>, out: Sink<(String, (i64, i64))>>() {
///         views.window(minutes(1), secs(1)).aggregate_by_key((count(), count_distinct())).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn count_distinct() -> CountDistinct {
    CountDistinct
}

/// What [`count_distinct`] returns.
#[derive(Clone, Copy, Debug)]
pub struct CountDistinct;

/// How often each value is there. Seeded by the process, because values may be hostile.
type Occurrences<V> = HashMap<V, u64, RandomState>;

impl<V: Key> Aggregate<V> for CountDistinct {
    type Accumulator = Occurrences<V>;
    type Result = i64;
    type Algebra = Invertible;
    const NAME: &'static str = "CountDistinct";
    fn create(&self, value: V) -> Occurrences<V> {
        self.add(Occurrences::default(), value)
    }
    #[inline]
    fn add(&self, mut all: Occurrences<V>, value: V) -> Occurrences<V> {
        match all.entry(value) {
            Entry::Occupied(times) => *times.into_mut() += 1,
            Entry::Vacant(place) => {
                check_itself(place.key());
                place.insert(1);
            }
        }
        all
    }
    fn merge(&self, older: Occurrences<V>, newer: Occurrences<V>) -> Occurrences<V> {
        let (mut all, fewer) = if older.len() < newer.len() { (newer, older) } else { (older, newer) };
        fewer.into_iter().for_each(|(value, times)| *all.entry(value).or_default() += times);
        all
    }
    fn result(&self, all: Occurrences<V>) -> i64 {
        all.len() as i64
    }
    fn peek(&self, all: &Occurrences<V>) -> i64 {
        all.len() as i64
    }
}

impl<V: Key> Undo<V> for CountDistinct {
    fn undo(&self, mut whole: Occurrences<V>, oldest: Occurrences<V>) -> Occurrences<V> {
        for (value, times) in oldest {
            let left = whole.get_mut(&value).expect("what leaves a window has entered it");
            *left -= times;
            if *left == 0 {
                whole.remove(&value);
            }
        }
        whole
    }
}
