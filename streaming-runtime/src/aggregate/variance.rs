//! Variances.

use super::{Aggregate, Associative, Number, number::Wide};

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

#[cfg(test)]
mod tests {
    use super::{super::traits::testing::of, *};

    #[test]
    fn variance_is_precise_far_from_zero() {
        let numbers = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
        assert_eq!(of(population_variance(), &numbers), 22.5);
        assert_eq!(of(sample_variance(), &numbers), Some(30.0));
        assert_eq!(of(sample_variance(), &numbers[..1]), None);
    }
}
