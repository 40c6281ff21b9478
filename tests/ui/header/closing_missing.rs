//! The `>` of the header is missing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>() {
        words.to(out);
    }
);

fn main() {}
