//! fix: BatchTime
//! Batches are of what arrives.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.assign_timestamps(|word| 0).window(secs(10), secs(1)).to(out);
    }
);

fn main() {}
