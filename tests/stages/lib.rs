//! Stages that pipelines of another crate use.

use streaming_runtime::{Key, kinds::Table, prelude::*};

stage!(
    /// The sum and the number of the values of each key, for ever.
    pub fn totals<'s, K: Key>(orders: Stream<'s, (K, i64)>) -> Stream<'s, (K, i64), Table> {
        let sums = orders.update_state(|_, sum: Option<i64>, new: &[i64]| {
            Some(sum.unwrap_or(0) + new.iter().sum::<i64>())
        });
        sums.allow_unbounded("one number a key")
    }
);

pub mod nested {
    //! A stage that calls one of its own crate.

    use super::totals;
    use streaming_runtime::{kinds::Table, prelude::*};

    stage!(
        /// The totals of what is more than `least`, and of the rest.
        pub fn parted<'s>(
            orders: Stream<'s, (u64, i64)>,
            least: i64,
        ) -> (Stream<'s, (u64, i64), Table>, Stream<'s, (u64, i64), Table>) {
            let (large, small) = orders.split(move |(_, amount)| *amount > least);
            let large = totals(large);
            let small = totals(small);
            (large, small)
        }
    );
}

/// A function that is no stage.
pub fn plain<'s>(orders: Stream<'s, (u64, i64)>) -> Stream<'s, (u64, i64), Table> {
    let sums = orders
        .update_state(|_, sum: Option<i64>, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
    sums.allow_unbounded("one number a key").share()
}
