//! Numbers of copies of a record, without overflow.

use differential_dataflow::difference::{Abelian, IsZero, Monoid, Multiply, Semigroup};
use serde::{Deserialize, Serialize};

use crate::{
    ids::OpId,
    panic_origin::{Why, fail},
};

/// Copies of one record that are written out one by one at most. Beyond it is a pipeline that multiplies.
const FEW: i64 = 1 << 28;

/// A number of copies that is known to fit, or the end of the job.
#[inline]
pub(crate) fn checked(id: OpId, times: Option<i64>) -> i64 {
    times.unwrap_or_else(|| fail(id, Why::TooManyCopies { most: i64::MAX }))
}

/// A number of copies that can be written out one by one, or the end of the job.
#[inline]
pub(crate) fn few(id: OpId, times: i64) -> i64 {
    if times > FEW {
        fail(id, Why::TooManyCopies { most: FEW });
    }
    times
}

/// A record as often as it is there.
pub(crate) fn repeated<T: Clone>(id: OpId, record: &T, times: i64) -> impl Iterator<Item = T> {
    (0..few(id, times)).map(move |_| record.clone())
}

/// How often a record is there in a loop. Differential adds and multiplies these itself and does not know for which loop;
/// so one that does not fit becomes [`Copies::LOST`], which nothing takes back, and whoever reads it ends the job.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Copies(i64);

impl Copies {
    const LOST: Copies = Copies(i64::MIN);

    pub(crate) const ONE: Copies = Copies(1);

    pub(crate) fn new(times: i64) -> Self {
        Copies(times)
    }

    fn of(times: Option<i64>) -> Self {
        times.map_or(Copies::LOST, Copies)
    }

    /// The number; the end of the job if it did not fit.
    #[inline]
    pub(crate) fn get(self, id: OpId) -> i64 {
        checked(id, Some(self).filter(|times| *times != Copies::LOST).map(|Copies(times)| times))
    }
}

impl IsZero for Copies {
    #[inline]
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Semigroup for Copies {
    #[inline]
    fn plus_equals(&mut self, other: &Self) {
        *self = match (*self, *other) {
            (Copies::LOST, _) | (_, Copies::LOST) => Copies::LOST,
            (Copies(one), Copies(other)) => Copies::of(one.checked_add(other)),
        };
    }
}

impl Monoid for Copies {
    fn zero() -> Self {
        Copies(0)
    }
}

impl Abelian for Copies {
    #[inline]
    fn negate(&mut self) {
        if *self != Copies::LOST {
            self.0 = -self.0;
        }
    }
}

impl Multiply for Copies {
    type Output = Copies;
    #[inline]
    fn multiply(self, other: &Self) -> Copies {
        match (self, *other) {
            (Copies::LOST, _) | (_, Copies::LOST) => Copies::LOST,
            (Copies(one), Copies(other)) => Copies::of(one.checked_mul(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_lost_and_stays_so() {
        let sum = |a: i64, b: i64| {
            let mut sum = Copies(a);
            sum.plus_equals(&Copies(b));
            sum
        };
        assert_eq!(sum(i64::MAX, 1), Copies::LOST);
        assert_eq!(sum(-i64::MAX, -1), Copies::LOST);
        assert_eq!(sum(i64::MIN, 5), Copies::LOST);
        assert_eq!(sum(2, -2), Copies::zero());
        assert_eq!(Copies(1 << 32).multiply(&Copies(1 << 31)), Copies::LOST);
        assert_eq!(Copies(1 << 31).multiply(&Copies(-1 << 31)), Copies(-1 << 62));
        let mut lost = Copies::LOST;
        lost.negate();
        assert_eq!(lost, Copies::LOST);
        assert!(!lost.is_zero());
    }
}
