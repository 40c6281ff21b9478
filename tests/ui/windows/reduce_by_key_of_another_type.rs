//! What is reduced stays of its type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(secs(10), secs(1)).reduce_by_key(|a, b| (a + b).to_string()).to(out);
    }
);

fn main() {}
