//! fix: impl Aggregate
//! A beginning and a function.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.aggregate(0, |all, n| all + n).to(out);
    }
);

fn main() {}
