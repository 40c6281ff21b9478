//! Unbounded state is not delivered.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        pairs.history().changes().to(out);
    }
);

fn main() {}
