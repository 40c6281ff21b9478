//! fix: u64
//! Nothing lasts less than nothing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(-10), secs(1)).to(out);
    }
);

fn main() {}
