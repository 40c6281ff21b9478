//! Aggregates by name, for [`aggregate`](crate::Stream::aggregate) and
//! [`aggregate_by_key`](crate::Stream::aggregate_by_key), on batches, windows and histories.
//!
//! | aggregate | of values | result | a window keeps of each key |
//! |---|---|---|---|
//! | [`count`] | any | `i64` | a number, and one a pane |
//! | [`sum`] | numbers | their own type | integers: a number, and one a pane; floats: two a pane |
//! | [`mean`] | numbers | `f64` | as `sum` |
//! | [`population_variance`] [`sample_variance`] | numbers | `f64`, `Option<f64>` | two triples of numbers a pane |
//! | [`min`] [`max`] | `PartialOrd` | their own type | two values a pane |
//! | [`first`] [`last`] | any | their own type | two values a pane |
//! | [`top_k`] | `PartialOrd` | `Vec`, largest first | two lists of up to `k` a pane |
//! | [`count_distinct`] | `Eq + Hash` | `i64` | its different values, and those of each pane |
//!
//! - Of nothing comes nothing: where a batch or a window has no values, there is no result, not a 0.
//! - Several at once are a tuple, `(count(), max())`: each part is kept as if it were alone.
//! - Of a part of each value: [`.of(|trade: &Trade| trade.price)`](crate::Aggregate::of), on tuples too.
//! - What is undone when it leaves a window must be exact, so only integers are. Sums of floats are made again from
//!   sums of panes: no error piles up, and a NaN or an infinity is gone when it has left.
//! - Your own are an `impl` of [`Aggregate`] away. With a checkpoint they need a [`NAME`](Aggregate::NAME), which stays as
//!   it is when the type is renamed.
//!
//! ```
//! use streaming_runtime::{ManualClock, aggregate::{count, max, mean}, connect::{collect, queue}, prelude::*};
//!
//! stream!(
//!     /// Trades, highest price and mean price of each symbol.
//!     #[batch(secs(1))]
//!     pub fn prices<trades: Source<(u8, f64)>, out: Sink<(u8, (i64, f64, f64))>>() {
//!         trades.aggregate_by_key((count(), max(), mean())).to(out);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (out, prices) = collect();
//!     let clock = ManualClock::new();
//!     let trades = queue(vec![vec![(7, 1.5), (7, 4.5), (7, 3.0)]]);
//!     let mut job = Engine::new().manual_clock(&clock).start(prices::Ports { trades, out })?;
//!     clock.advance(secs(1));
//!     job.join().await?;
//!     assert_eq!(prices.records(), [(7, (3, 4.5, 3.0))]);
//!     Ok(())
//! }
//! ```

mod number;

use std::{
    any::type_name,
    cmp::Ordering,
    collections::{HashMap, hash_map::Entry},
};

use foldhash::fast::RandomState;

pub use crate::operators::aggregate::Of;
use crate::{
    observe::panic_origin::check_itself,
    operators::{
        aggregate::{Abelian, Aggregate, Associative, Undo},
        by_key::ByKey,
        parameters::Parameters,
    },
    record::{Key, Record},
    stream::{Stream, chain::Chain, kind::StreamKind},
};
pub use number::Number;
pub(crate) use number::own_types;
use number::{Exact, Wide};

/// What has an order, if not of all values: anything that is `PartialOrd`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order",
    label = "the smallest and the largest are told by `PartialOrd`, which `{Self}` lacks",
    note = "derive `PartialEq, PartialOrd` on it, or name the part that is meant: `max().of(|value: &{Self}| value.part)`"
)]
pub trait Ordered: PartialOrd {}
#[diagnostic::do_not_recommend]
impl<V: PartialOrd> Ordered for V {}

/// How many values. Unlike [`Stream::count`], nothing where there are none.
///
/// ```
/// # use streaming_runtime::{aggregate::{count, sum}, prelude::*};
/// stream!(
///     /// Orders of each customer, and what they come to.
///     #[batch(secs(1))]
///     fn customers<orders: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
///         orders.window(minutes(1), secs(1)).aggregate_by_key((count(), sum())).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn count() -> Count {
    Count
}

/// The sum of numbers, of their own type.
///
/// Integers are added up in 128 bits, so only the result must fit: a window may hold more on its way. A result that
/// does not fit ends the job with an error that says so; sum wider numbers where that can be,
/// `sum().of(|n: &i32| i64::from(*n))`. Floats are added up as `f64`, in no certain order.
///
/// ```
/// # use streaming_runtime::{aggregate::sum, prelude::*};
/// stream!(
///     /// Running totals.
///     #[batch(secs(1))]
///     fn totals<orders: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
///         let all = orders.history().allow_unbounded("one number per customer");
///         all.aggregate_by_key(sum()).changes().to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn sum() -> Sum {
    Sum
}

/// The mean of numbers. That of integers is their exact sum by their number, each rounded to `f64`.
///
/// ```
/// # use streaming_runtime::{aggregate::mean, prelude::*};
/// stream!(
///     #[batch(secs(1))]
///     fn latency<micros: Source<u32>, out: Sink<f64>>() {
///         micros.window(minutes(1), secs(10)).aggregate(mean()).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn mean() -> Mean {
    Mean
}

/// The variance of numbers that are all there are: the mean square of their distance from the mean.
///
/// Computed as `f64` by the method of Chan, Golub and LeVeque ("Updating formulae and a pairwise algorithm for
/// computing sample variances", 1979), which stays precise where the mean is large and the variance small.
///
/// ```
/// # use streaming_runtime::{aggregate::{mean, population_variance}, prelude::*};
/// stream!(
///     #[batch(secs(1))]
///     fn noise<samples: Source<(u16, f32)>, out: Sink<(u16, (f64, f64))>>() {
///         samples.aggregate_by_key((mean(), population_variance())).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn population_variance() -> PopulationVariance {
    PopulationVariance
}

/// The variance of what numbers are a sample of: as [`population_variance`], by one number less. `None` of a single
/// number, which says nothing of it.
///
/// ```
/// # use streaming_runtime::{aggregate::sample_variance, prelude::*};
/// stream!(
///     /// Standard deviations.
///     #[batch(secs(1))]
///     fn noise<samples: Source<(u16, f32)>, out: Sink<(u16, f64)>>() {
///         let variances = samples.window(minutes(1), secs(1)).aggregate_by_key(sample_variance());
///         variances.flat_map_values(|variance| variance.map(f64::sqrt)).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn sample_variance() -> SampleVariance {
    SampleVariance
}

/// The smallest value; of equal ones the earlier. A NaN only where there is nothing else.
///
/// ```
/// # use streaming_runtime::{aggregate::{max, min}, prelude::*};
/// stream!(
///     #[batch(secs(1))]
///     fn range<prices: Source<(u64, f64)>, out: Sink<(u64, (f64, f64))>>() {
///         prices.window(minutes(1), secs(1)).aggregate_by_key((min(), max())).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn min() -> Min {
    Min
}

/// The largest value; of equal ones the earlier. A NaN only where there is nothing else.
///
/// ```
/// # use streaming_runtime::{aggregate::max, prelude::*};
/// stream!(
///     #[batch(secs(1))]
///     fn longest<words: Source<String>, out: Sink<usize>>() {
///         words.aggregate(max().of(|word: &String| word.len())).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn max() -> Max {
    Max
}

/// The value that arrived first, by the order of its source; values of several sources in one batch have none.
///
/// ```
/// # use streaming_runtime::{aggregate::{first, last, max, min}, prelude::*};
/// stream!(
///     /// Open, high, low and close of each symbol.
///     #[batch(secs(1))]
///     fn candles<prices: Source<(u64, f64)>, out: Sink<(u64, (f64, f64, f64, f64))>>() {
///         prices.window(minutes(1), minutes(1)).aggregate_by_key((first(), max(), min(), last())).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn first() -> First {
    First
}

/// The value that arrived last, by the order of its source; values of several sources in one batch have none.
///
/// ```
/// # use streaming_runtime::{aggregate::last, prelude::*};
/// stream!(
///     /// The latest reading of each sensor.
///     #[batch(secs(1))]
///     fn latest<readings: Source<(u64, f64)>, out: Sink<((u64, f64), i64)>>() {
///         let all = readings.history().allow_unbounded("one reading per sensor");
///         all.aggregate_by_key(last()).changes().to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn last() -> Last {
    Last
}

/// The `k` largest values, largest first, of equal ones the earlier; fewer where there are fewer. A NaN is below all
/// else.
///
/// ```
/// # use streaming_runtime::{aggregate::top_k, prelude::*};
/// stream!(
///     /// The three highest bids for each item.
///     #[batch(secs(1))]
///     fn highest<bids: Source<(u64, u32)>, out: Sink<(u64, Vec<u32>)>>() {
///         bids.window(minutes(1), secs(1)).aggregate_by_key(top_k(3)).to(out);
///     }
/// );
/// # fn main() {}
/// ```
pub fn top_k(k: usize) -> TopK {
    TopK(k)
}

/// How many different values, exactly: it holds each of them. Where only that number is wanted of a whole stream,
/// [`distinct`](Stream::distinct) spreads the values over the workers.
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

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// The `k` largest records of a batch or a window as one list, largest first. An empty one delivers nothing. By key, use
    /// [`aggregate_by_key(top_k(k))`](top_k).
    ///
    /// State: `k` records, and on windows two times `k` per pane. Cost: what enters and leaves.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// The ten words that occur most in the last minute.
    ///     #[batch(secs(1))]
    ///     fn trending<words: Source<String>, out: Sink<Vec<(i64, String)>>>() {
    ///         let counts = words.window(minutes(1), secs(1)).count_by_value().snapshot();
    ///         counts.map(|(word, n)| (n, word)).top_k(10).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn top_k<Q: StreamKind>(self, k: usize) -> Stream<'s, Vec<T>, Q>
    where
        T: Record + Ordered,
        P: ByKey<(), T, Vec<T>, Out = Q>,
    {
        self.aggregate(top_k(k))
    }
}

/// What [`count`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Count;

impl<V> Aggregate<V> for Count {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Abelian;
    const NAME: &'static str = "Count";
    #[inline]
    fn create(&self, _: V) -> i64 {
        1
    }
    #[inline]
    fn merge(&self, older: i64, newer: i64) -> i64 {
        older + newer
    }
    fn result(&self, n: i64) -> i64 {
        n
    }
}

impl<V> Undo<V> for Count {
    #[inline]
    fn undo(&self, whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
}

/// What [`sum`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Sum;

impl<N: Number> Aggregate<N> for Sum {
    type Accumulator = N::Wide;
    // Not `N`: of what is no number there is no sum, and nothing more to be said of it.
    type Result = N::Own;
    type Algebra = N::Algebra;
    const NAME: &'static str = "Sum";
    #[inline]
    fn create(&self, value: N) -> N::Wide {
        value.widen()
    }
    #[inline]
    fn merge(&self, older: N::Wide, newer: N::Wide) -> N::Wide {
        fitting::<N, _>("sum", older.plus(newer))
    }
    fn result(&self, sum: N::Wide) -> N::Own {
        fitting::<N, _>("sum", N::narrow(sum))
    }
}

impl<N: Number<Wide: Exact>> Undo<N> for Sum {
    #[inline]
    fn undo(&self, whole: N::Wide, oldest: N::Wide) -> N::Wide {
        fitting::<N, _>("sum", whole.minus(oldest))
    }
}

/// Ends the job where a number did not fit: to go on would be to deliver a wrong one.
#[inline]
fn fitting<N, T>(aggregate: &str, number: Option<T>) -> T {
    number.unwrap_or_else(|| panic!("the {aggregate} of {} overflowed", type_name::<N>()))
}

/// What [`mean`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Mean;

impl<N: Number> Aggregate<N> for Mean {
    type Accumulator = (N::Wide, u64);
    type Result = f64;
    type Algebra = N::Algebra;
    const NAME: &'static str = "Mean";
    #[inline]
    fn create(&self, value: N) -> (N::Wide, u64) {
        (value.widen(), 1)
    }
    #[inline]
    fn merge(&self, (sum, n): (N::Wide, u64), (more, m): (N::Wide, u64)) -> (N::Wide, u64) {
        (fitting::<N, _>("mean", sum.plus(more)), n + m)
    }
    fn result(&self, (sum, n): (N::Wide, u64)) -> f64 {
        sum.rounded() / n as f64
    }
}

impl<N: Number<Wide: Exact>> Undo<N> for Mean {
    #[inline]
    fn undo(&self, (whole, n): (N::Wide, u64), (oldest, m): (N::Wide, u64)) -> (N::Wide, u64) {
        (fitting::<N, _>("mean", whole.minus(oldest)), n - m)
    }
}

/// How many numbers, their mean, and the sum of the squares of their distances from it.
type Moments = (u64, f64, f64);

fn merged((n, mean, squares): Moments, (m, other, more): Moments) -> Moments {
    let all = n + m;
    let (distance, share) = (other - mean, m as f64 / all as f64);
    (all, mean + distance * share, squares + more + distance * distance * n as f64 * share)
}

/// What [`population_variance`] returns.
#[derive(Clone, Copy, Debug)]
pub struct PopulationVariance;

impl<N: Number> Aggregate<N> for PopulationVariance {
    type Accumulator = Moments;
    type Result = f64;
    type Algebra = Associative;
    const NAME: &'static str = "PopulationVariance";
    #[inline]
    fn create(&self, value: N) -> Moments {
        let number = value.widen().rounded();
        // An infinity has no distance from itself.
        (1, number, if number.is_finite() { 0.0 } else { f64::NAN })
    }
    #[inline]
    fn merge(&self, older: Moments, newer: Moments) -> Moments {
        merged(older, newer)
    }
    fn result(&self, (n, _, squares): Moments) -> f64 {
        squares / n as f64
    }
}

/// What [`sample_variance`] returns.
#[derive(Clone, Copy, Debug)]
pub struct SampleVariance;

impl<N: Number> Aggregate<N> for SampleVariance {
    type Accumulator = Moments;
    type Result = Option<f64>;
    type Algebra = Associative;
    const NAME: &'static str = "SampleVariance";
    #[inline]
    fn create(&self, value: N) -> Moments {
        PopulationVariance.create(value)
    }
    #[inline]
    fn merge(&self, older: Moments, newer: Moments) -> Moments {
        merged(older, newer)
    }
    fn result(&self, (n, _, squares): Moments) -> Option<f64> {
        (n > 1).then(|| squares / (n - 1) as f64)
    }
}

/// Whether `newer` is to be preferred where the `wanted` end is. What cannot be compared with itself, a NaN, is never
/// preferred to what can.
fn beats<V: PartialOrd>(newer: &V, older: &V, wanted: Ordering) -> bool {
    let is_nan = |value: &V| value.partial_cmp(value).is_none();
    match newer.partial_cmp(older) {
        Some(ordering) => ordering == wanted,
        None => is_nan(older) && !is_nan(newer),
    }
}

macro_rules! one_of_the_values {
    ($name:ident $function:ident $stored:literal: $V:ident $(+ $bound:ident)?, $in_order:literal, |$older:ident, $newer:ident| $merged:expr) => {
        #[doc = concat!("What [`", stringify!($function), "`] returns.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl<$V: Record $(+ $bound)?> Aggregate<$V> for $name {
            type Accumulator = $V;
            type Result = $V;
            type Algebra = Associative;
            const NAME: &'static str = $stored;
            const IN_ORDER: bool = $in_order;
            #[inline]
            fn create(&self, value: $V) -> $V {
                value
            }
            #[inline]
            fn merge(&self, $older: $V, $newer: $V) -> $V {
                $merged
            }
            fn result(&self, value: $V) -> $V {
                value
            }
        }
    };
}

one_of_the_values!(Min min "Min": V + Ordered, false, |older, newer| if beats(&newer, &older, Ordering::Less) { newer } else { older });
one_of_the_values!(Max max "Max": V + Ordered, false, |older, newer| if beats(&newer, &older, Ordering::Greater) { newer } else { older });
one_of_the_values!(First first "First": V, true, |older, _newer| older);
one_of_the_values!(Last last "Last": V, true, |_older, newer| newer);

/// What [`top_k`](top_k()) returns.
#[derive(Clone, Copy, Debug)]
pub struct TopK(usize);

impl<V: Record + Ordered> Aggregate<V> for TopK {
    /// Largest first.
    type Accumulator = Vec<V>;
    type Result = Vec<V>;
    type Algebra = Associative;
    const NAME: &'static str = "TopK";
    fn create(&self, value: V) -> Vec<V> {
        self.add(Vec::new(), value)
    }
    #[inline]
    fn add(&self, mut largest: Vec<V>, value: V) -> Vec<V> {
        let place = largest.partition_point(|other| !beats(&value, other, Ordering::Greater));
        if place < self.0 {
            largest.truncate(self.0 - 1);
            largest.insert(place, value);
        }
        largest
    }
    fn merge(&self, older: Vec<V>, newer: Vec<V>) -> Vec<V> {
        newer.into_iter().fold(older, |largest, value| self.add(largest, value))
    }
    fn result(&self, largest: Vec<V>) -> Vec<V> {
        largest
    }
    fn parameters(&self) -> Parameters {
        Parameters::of(self.0)
    }
}

/// What [`count_distinct`] returns.
#[derive(Clone, Copy, Debug)]
pub struct CountDistinct;

/// How often each value is there. Seeded by the process, because values may be hostile.
type Occurrences<V> = HashMap<V, u64, RandomState>;

impl<V: Key> Aggregate<V> for CountDistinct {
    type Accumulator = Occurrences<V>;
    type Result = i64;
    type Algebra = Abelian;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The aggregate of `values`, merged one by one from the left.
    fn of<V: Clone, G: Aggregate<V>>(aggregate: G, values: &[V]) -> G::Result {
        let all = values.iter().cloned().map(|value| aggregate.create(value));
        aggregate.result(all.reduce(|older, newer| aggregate.merge(older, newer)).expect("some values"))
    }

    #[test]
    fn sums_pass_through_what_does_not_fit() {
        assert_eq!(of(sum(), &[i64::MAX, i64::MAX, i64::MIN, i64::MIN]), -2);
        assert_eq!(of(sum(), &[i8::MAX, 1, -1]), i8::MAX);
        assert_eq!(of(sum(), &[u64::MAX]), u64::MAX);
        assert_eq!(of(sum(), &[u128::MAX - 1, 1]), u128::MAX);
        assert_eq!(of(sum(), &[1.5f32, 2.25]), 3.75);
        assert_eq!(of(mean(), &[i64::MAX, i64::MAX]), i64::MAX as f64);
    }

    #[test]
    #[should_panic(expected = "the sum of u8 overflowed")]
    fn a_sum_that_does_not_fit_says_so() {
        of(sum(), &[200u8, 56]);
    }

    #[test]
    #[should_panic(expected = "the mean of i128 overflowed")]
    fn so_does_a_mean() {
        of(mean(), &[i128::MAX, 1]);
    }

    #[test]
    fn a_nan_gives_way_to_any_number() {
        let numbers = [f64::NAN, 2.0, f64::NAN, -1.0, f64::INFINITY];
        assert_eq!(of(min(), &numbers), -1.0);
        assert_eq!(of(max(), &numbers), f64::INFINITY);
        assert_eq!(of(top_k(3), &numbers), [f64::INFINITY, 2.0, -1.0]);
        assert!(of(max(), &[f64::NAN, f64::NAN]).is_nan());
        assert!(of(population_variance(), &[f64::INFINITY]).is_nan());
    }

    #[test]
    fn variance_is_precise_far_from_zero() {
        let numbers = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
        assert_eq!(of(population_variance(), &numbers), 22.5);
        assert_eq!(of(sample_variance(), &numbers), Some(30.0));
        assert_eq!(of(sample_variance(), &numbers[..1]), None);
    }

    #[test]
    fn the_earlier_of_equals_is_taken() {
        /// Ordered by the number alone.
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        struct ByNumber(f64, String);
        impl PartialEq for ByNumber {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
        impl PartialOrd for ByNumber {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.0.partial_cmp(&other.0)
            }
        }
        let same = ["a", "b"].map(|name| ByNumber(1.0, name.to_owned()));
        assert_eq!(of(max(), &same).1, "a");
        assert_eq!(of(min(), &same).1, "a");
        let names: Vec<_> = of(top_k(2), &same).into_iter().map(|value| value.1).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(of(top_k(0), &same).is_empty());
    }
}
