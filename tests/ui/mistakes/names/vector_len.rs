//! fix: .count()
//! As of a vector.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.len().to(out);
    }
);

fn main() {}
