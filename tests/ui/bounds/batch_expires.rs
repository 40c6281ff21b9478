//! Only state expires.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduce_by_key(|a, b| a + b).expire_after(hours(1)).to(out);
    }
);

fn main() {}
