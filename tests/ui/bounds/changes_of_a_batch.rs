//! A batch has no changes.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        pairs.changes().to(out);
    }
);

fn main() {}
