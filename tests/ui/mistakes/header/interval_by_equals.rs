//! fix: #[batch(secs(1))]
//! As `#[path = ".."]` is written.

use streaming_runtime::prelude::*;

stream!(
    #[batch = secs(1)]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
