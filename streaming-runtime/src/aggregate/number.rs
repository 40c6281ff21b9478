//! In what numbers are added up.

use std::any::type_name;

use serde::{Deserialize, Serialize};

use crate::{
    aggregate::{Algebra, Associative, Invertible, Mean, Sum},
    record::Record,
};

/// A number that can be summed: all of Rust's integers and floats.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number",
    label = "sums, means and variances are of Rust's integers and floats",
    note = "name the number that is meant: `sum().of(|value: &{Self}| value.amount)`"
)]
pub trait Number: Record + Copy {
    /// What it is added up in.
    #[doc(hidden)]
    type Wide: Wide;
    /// This type.
    #[doc(hidden)]
    type Own: Record;
    /// [`Invertible`] where sums are exact.
    #[doc(hidden)]
    type Algebra: Algebra<Self, Sum> + Algebra<Self, Mean>;
    #[doc(hidden)]
    fn widen(self) -> Self::Wide;
    /// `None` where it does not fit.
    #[doc(hidden)]
    fn narrow(wide: Self::Wide) -> Option<Self::Own>;
}

/// What numbers are added up in. `None` where a sum does not fit.
pub trait Wide: Record + Copy {
    fn plus(self, other: Self) -> Option<Self>;
    fn rounded(self) -> f64;
}

/// Wide numbers with exact sums, from which parts can be taken away again.
pub trait Exact: Wide {
    fn minus(self, part: Self) -> Option<Self>;
}

impl Wide for f64 {
    #[inline]
    fn plus(self, other: f64) -> Option<f64> {
        Some(self + other)
    }
    #[inline]
    fn rounded(self) -> f64 {
        self
    }
}

macro_rules! exact {
    ($($wide:ty)*) => {$(
        impl Wide for $wide {
            #[inline]
            fn plus(self, other: $wide) -> Option<$wide> {
                self.checked_add(other)
            }
            #[inline]
            fn rounded(self) -> f64 {
                self as f64
            }
        }
        impl Exact for $wide {
            #[inline]
            fn minus(self, part: $wide) -> Option<$wide> {
                self.checked_sub(part)
            }
        }
    )*};
}

exact!(i64 i128 u128);

/// A sum of 64-bit integers: 96 bits, in the room of an `i64` and a half where `i128` takes two and their alignment.
/// Windows hold many of them, so not even the room for its alignment is given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(Rust, packed(4))]
pub struct Long {
    #[serde(rename = "low")]
    low: u64,
    #[serde(rename = "high")]
    high: i32,
}

/// Types of this module that accumulators are made of, as Rust calls them and as they are called on disk.
pub(crate) fn own_types() -> [(&'static str, &'static str); 2] {
    [(type_name::<Long>(), "Long"), (type_name::<foldhash::fast::RandomState>(), "RandomState")]
}

impl From<i64> for Long {
    #[inline]
    fn from(number: i64) -> Self {
        Long { low: number as u64, high: (number >> 63) as i32 }
    }
}

impl From<u64> for Long {
    #[inline]
    fn from(number: u64) -> Self {
        Long { low: number, high: 0 }
    }
}

impl From<Long> for i128 {
    fn from(sum: Long) -> i128 {
        (i128::from(sum.high) << 64) + i128::from(sum.low)
    }
}

impl Wide for Long {
    #[inline]
    fn plus(self, other: Long) -> Option<Long> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(i32::from(carry))?;
        Some(Long { low, high })
    }
    fn rounded(self) -> f64 {
        i128::from(self) as f64
    }
}

impl Exact for Long {
    #[inline]
    fn minus(self, part: Long) -> Option<Long> {
        let (low, borrow) = self.low.overflowing_sub(part.low);
        let high = self.high.checked_sub(part.high)?.checked_sub(i32::from(borrow))?;
        Some(Long { low, high })
    }
}

macro_rules! widens {
    ($($number:ty)* => $wide:ty, as $as:ty, $algebra:ty, |$sum:ident| $narrow:expr) => {$(
        impl Number for $number {
            type Wide = $wide;
            type Own = $number;
            type Algebra = $algebra;
            #[inline]
            fn widen(self) -> $wide {
                <$wide>::from(self as $as)
            }
            #[inline]
            fn narrow($sum: $wide) -> Option<$number> {
                $narrow
            }
        }
    )*};
}

widens!(i8 i16 i32 u8 u16 u32 => i64, as i64, Invertible, |sum| sum.try_into().ok());
widens!(i64 isize => Long, as i64, Invertible, |sum| i128::from(sum).try_into().ok());
widens!(u64 usize => Long, as u64, Invertible, |sum| i128::from(sum).try_into().ok());
widens!(i128 => i128, as i128, Invertible, |sum| Some(sum));
widens!(u128 => u128, as u128, Invertible, |sum| Some(sum));
widens!(f32 f64 => f64, as f64, Associative, |sum| Some(sum as Self));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn long_sums_are_those_of_wider_numbers(
            numbers in proptest::collection::vec(any::<i64>(), 1..50),
            unsigned in any::<u64>(),
        ) {
            let sum = |numbers: &[i64]| {
                let all = numbers.iter().map(|number| Long::from(*number));
                all.reduce(|a, b| a.plus(b).expect("it fits")).expect("there are some")
            };
            let exact = |numbers: &[i64]| numbers.iter().map(|number| i128::from(*number)).sum::<i128>();
            prop_assert_eq!(i128::from(sum(&numbers)), exact(&numbers));
            let less = sum(&numbers).minus(sum(&numbers[..1])).expect("it fits");
            prop_assert_eq!(i128::from(less), exact(&numbers[1..]));
            let mixed = sum(&numbers).plus(unsigned.into()).expect("it fits");
            prop_assert_eq!(i128::from(mixed), exact(&numbers) + i128::from(unsigned));
        }
    }
}
