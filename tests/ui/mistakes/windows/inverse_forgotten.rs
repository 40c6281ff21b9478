//! fix: 2 arguments
//! What leaves is taken back.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(secs(10), secs(1)).reduce_by_key_with_inverse(|a, b| a + b).expire_after(hours(1)).to(out);
    }
);

fn main() {}
