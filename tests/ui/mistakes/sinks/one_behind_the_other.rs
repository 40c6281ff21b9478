//! fix: words.to(more)
//! Nothing comes behind a sink.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>, more: Sink<String>>() {
        words.to(out).to(more);
    }
);

fn main() {}
