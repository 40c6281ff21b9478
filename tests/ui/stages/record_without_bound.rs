//! What a stage takes is a record.

use streaming_runtime::prelude::*;

stage!(
    fn totals<'s, K>(orders: Stream<'s, (K, i64)>) -> Stream<'s, (K, i64)> {
        orders.reduce_by_key(|a, b| a + b)
    }
);

fn main() {}
