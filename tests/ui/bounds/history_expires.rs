//! A history does not forget.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.history().expire_after(hours(1)).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
