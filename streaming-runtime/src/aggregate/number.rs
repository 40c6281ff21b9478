//! In what numbers are added up.

use super::{Mean, Sum};
use crate::{
    op::{Abelian, Algebra, Associative},
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
    /// [`Abelian`] where sums are exact.
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

exact!(i128 u128);

macro_rules! widens {
    ($($number:ty)* => $wide:ty, $algebra:ty, |$sum:ident| $narrow:expr) => {$(
        impl Number for $number {
            type Wide = $wide;
            type Own = $number;
            type Algebra = $algebra;
            #[inline]
            fn widen(self) -> $wide {
                self as $wide
            }
            #[inline]
            fn narrow($sum: $wide) -> Option<$number> {
                $narrow
            }
        }
    )*};
}

widens!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize => i128, Abelian, |sum| sum.try_into().ok());
widens!(i128 => i128, Abelian, |sum| Some(sum));
widens!(u128 => u128, Abelian, |sum| Some(sum));
widens!(f32 f64 => f64, Associative, |sum| Some(sum as Self));
