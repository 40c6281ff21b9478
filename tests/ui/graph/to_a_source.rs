//! A stream leaves by a sink.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, more: Source<String>, out: Sink<String>>() {
        words.to(more);
    }
);

fn main() {}
