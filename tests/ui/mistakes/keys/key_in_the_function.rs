//! fix: 2 arguments
//! The function merges values.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduce_by_key(|key, a, b| a + b).to(out);
    }
);

fn main() {}
