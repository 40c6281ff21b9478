//! Records and aggregates that are not the engine's.

use std::{fmt::Debug, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use streaming_runtime::aggregate::{Aggregate, Associative, Invertible, Parameters, Undo};

pub(crate) type Pair = (u8, i64);

/// A record as a line of text.
pub(crate) fn line<T: Debug>(name: &'static str) -> impl Fn(T) -> String {
    move |record| format!("{name} {record:?}")
}

/// A day as `day 3`: a text that is not made up when types are looked at, so that the name of the whole type is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(crate) struct Day(String);

impl Day {
    pub(crate) fn of(n: i64) -> Self {
        Day(format!("day {}", n.rem_euclid(3)))
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.starts_with("day ") {
            true => Ok(Day(text)),
            false => Err(D::Error::custom("it is no day")),
        }
    }
}

/// The value farthest from 0. It has no fields.
pub(crate) struct Farthest;

/// As that, for one type.
pub(crate) struct FarthestOf<T>(pub(crate) PhantomData<fn(T)>);

macro_rules! farthest {
    ($name:ty, $stored:literal) => {
        impl Aggregate<i64> for $name {
            type Accumulator = i64;
            type Result = i64;
            type Algebra = Associative;
            const NAME: &'static str = $stored;
            fn create(&self, n: i64) -> i64 {
                n
            }
            fn merge(&self, older: i64, newer: i64) -> i64 {
                if newer.abs() > older.abs() { newer } else { older }
            }
            fn result(&self, n: i64) -> i64 {
                n
            }
        }
    };
}

// As the types were called when there were no names.
farthest!(Farthest, "Farthest");
farthest!(FarthestOf<i64>, "FarthestOf<i64>");

/// How many values are above a limit.
pub(crate) struct Above(pub(crate) i64);

impl Aggregate<i64> for Above {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Invertible;
    const NAME: &'static str = "Above";
    fn create(&self, n: i64) -> i64 {
        i64::from(n > self.0)
    }
    fn merge(&self, older: i64, newer: i64) -> i64 {
        older + newer
    }
    fn result(&self, count: i64) -> i64 {
        count
    }
    fn parameters(&self) -> Parameters {
        Parameters::of(self.0)
    }
}

impl Undo<i64> for Above {
    fn undo(&self, whole: i64, oldest: i64) -> i64 {
        whole - oldest
    }
}
