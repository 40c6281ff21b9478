//! A window of nothing holds nothing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(0), secs(1)).to(out);
    }
);

fn main() {}
