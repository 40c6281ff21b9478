//! Counts, sums, means and variances.

use std::any::type_name;

use super::{
    Aggregate, Invertible, Number, Undo,
    number::{Exact, Wide},
};

/// How many values. Unlike [`Stream::count`](crate::Stream::count), nothing where there are none.
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

/// What [`count`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Count;

impl<V> Aggregate<V> for Count {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Invertible;
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

#[cfg(test)]
mod tests {
    use super::{super::traits::testing::of, *};

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
}
