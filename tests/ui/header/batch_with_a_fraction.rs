//! Durations are whole numbers.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(0.5))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
