//! The body could not tell them apart.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(words: usize) {
        words.to(out);
    }
);

fn main() {}
