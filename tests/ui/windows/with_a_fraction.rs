//! Durations are whole numbers.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(minutes(2.5), secs(1)).to(out);
    }
);

fn main() {}
