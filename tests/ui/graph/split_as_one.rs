//! A split makes two streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.split(|&(_, n)| n > 3).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
