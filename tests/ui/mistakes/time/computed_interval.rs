//! fix: millis(500)
//! The macro reads a literal.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1) / 2)]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
