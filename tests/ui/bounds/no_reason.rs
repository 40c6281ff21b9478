//! Unbounded state has a reason.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.history().allow_unbounded().to(out);
    }
);

fn main() {}
