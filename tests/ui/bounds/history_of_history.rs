//! All is all.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.history().history().allow_unbounded("why").to(out);
    }
);

fn main() {}
