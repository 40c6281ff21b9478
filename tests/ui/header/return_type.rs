//! What a pipeline makes leaves by its sinks.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() -> usize {
        words.to(out);
    }
);

fn main() {}
