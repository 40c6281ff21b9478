//! fix: .distinct()
//! As of a vector.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.dedup().to(out);
    }
);

fn main() {}
