//! A stream is no future.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, numbers: Source<u64>, out: Sink<u64>>() {
        let word = words.await;
        numbers.to(out);
    }
);

fn main() {}
