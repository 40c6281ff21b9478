//! A count is `i64`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<u64>>() {
        words.count().to(out);
    }
);

fn main() {}
