//! A stream has no end to collect at.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let all: Vec<String> = words.collect();
        words.to(out);
    }
);

fn main() {}
