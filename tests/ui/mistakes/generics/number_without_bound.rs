//! fix: Number
//! Only numbers have a sum.

use streaming_runtime::prelude::*;
use streaming_runtime::Record;

pub fn totals<'s, N: Record>(pairs: Stream<'s, (u64, N)>) -> Stream<'s, (u64, N)> {
    pairs.aggregate_by_key(streaming_runtime::aggregate::sum())
}

fn main() {}
