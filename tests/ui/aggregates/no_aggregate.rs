//! An aggregate is no closure.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.aggregate(|a, b| a + b).to(out);
    }
);

fn main() {}
