//! There is a key to aggregate by.

use streaming_runtime::{aggregate::sum, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<(u64, i64)>>() {
        numbers.aggregate_by_key(sum()).to(out);
    }
);

fn main() {}
