//! All that ever arrived has no bound.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.history().reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
