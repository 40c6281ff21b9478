//! fix: u64
//! A number, not a text.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs("10"), secs(1)).to(out);
    }
);

fn main() {}
