//! fix: aggregate(sum())
//! As of an iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.sum().to(out);
    }
);

fn main() {}
