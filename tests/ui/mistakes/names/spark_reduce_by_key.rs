//! fix: .reduce_by_key(
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduceByKey(|a, b| a + b).to(out);
    }
);

fn main() {}
