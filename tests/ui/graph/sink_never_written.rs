//! A sink that gets nothing leaves its reader waiting.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>, other: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
