//! Aggregates that choose among values: extremes, the largest few, first and last.

use std::cmp::Ordering;

use super::{Aggregate, Associative, Parameters};
use crate::record::Record;

/// What has an order, if not of all values: anything that is `PartialOrd`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order",
    label = "the smallest and the largest are told by `PartialOrd`, which `{Self}` lacks",
    note = "derive `PartialEq, PartialOrd` on it, or name the part that is meant: `max().of(|value: &{Self}| value.part)`"
)]
pub trait Ordered: PartialOrd {}
#[diagnostic::do_not_recommend]
impl<V: PartialOrd> Ordered for V {}

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

#[cfg(test)]
mod tests {
    use super::{
        super::{population_variance, traits::testing::of},
        *,
    };

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
