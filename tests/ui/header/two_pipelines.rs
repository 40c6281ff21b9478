//! One `stream!` a pipeline.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }

    #[batch(secs(1))]
    fn flow2<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
