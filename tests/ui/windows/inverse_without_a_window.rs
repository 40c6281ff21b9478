//! An inverse needs something that leaves.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).allow_unbounded("why").to(out);
    }
);

fn main() {}
