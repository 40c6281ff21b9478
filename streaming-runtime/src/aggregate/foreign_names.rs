//! What aggregates are asked for elsewhere.

use crate::{
    aggregate::{CountDistinct, First, Last, Max, Mean, Min, Sum},
    foreign_names::foreign_names,
};

macro_rules! named {
    ($($aggregate:ty)*) => { $(impl AggregateNames for $aggregate {})* };
}
named! { CountDistinct First Last Max Mean Min Sum }

foreign_names! {
    /// What an aggregate is asked for elsewhere.
    trait AggregateNames, mod asked_of_aggregates, "an aggregate has no method of this name";

    by | on | by_key | map | with | field | select | over | column(F) => "an aggregate takes a part of each value by `.of(|value| value.part)`";
}
