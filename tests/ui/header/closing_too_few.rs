//! A `>` is missing in the middle.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<Vec<String>, out: Sink<Vec<String>>>() {
        words.to(out);
    }
);

fn main() {}
