//! A history is of batches.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(secs(10), secs(1)).history().allow_unbounded("why").to(out);
    }
);

fn main() {}
