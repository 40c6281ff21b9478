//! fix: .window(secs(30), secs(10)).reduce_by_key(
//! As in Spark.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduce_by_key(|a, b| a + b, secs(30), secs(10)).to(out);
    }
);

fn main() {}
