//! A window slides by whole batches.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(3), millis(1500)).to(out);
    }
);

fn main() {}
