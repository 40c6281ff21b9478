//! fix: .window(
//! As in Java.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.timeWindow(secs(10)).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
