//! fix: fn flow<
//! The keyword was forgotten.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
