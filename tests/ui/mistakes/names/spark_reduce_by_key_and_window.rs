//! fix: .window(
//! Spark has the window in the operator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduce_by_key_and_window(|a, b| a + b, secs(30), secs(10)).to(out);
    }
);

fn main() {}
