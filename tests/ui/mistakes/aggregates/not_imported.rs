//! fix: use streaming_runtime::aggregate::sum
//! Aggregates have a module.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.aggregate(sum()).to(out);
    }
);

fn main() {}
