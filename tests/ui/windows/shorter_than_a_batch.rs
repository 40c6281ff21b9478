//! A window is at least one batch.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(millis(10), secs(1)).to(out);
    }
);

fn main() {}
