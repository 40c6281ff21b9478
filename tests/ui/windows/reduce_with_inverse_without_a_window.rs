//! An inverse needs something that leaves.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.reduce_with_inverse(|a, b| a + b, |a, b| a - b).allow_unbounded("why").to(out);
    }
);

fn main() {}
