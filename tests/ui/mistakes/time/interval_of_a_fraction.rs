//! fix: secs(
//! Times are whole numbers.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(10) + 0.5, secs(1)).to(out);
    }
);

fn main() {}
