//! fix: Duration
//! A length given at the start.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(length: u64) {
        words.window(length, secs(1)).to(out);
    }
);

fn main() {}
