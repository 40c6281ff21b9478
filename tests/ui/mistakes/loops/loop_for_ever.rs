//! fix: once
//! A pipeline runs by itself.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        loop {
            words.to(out);
        }
    }
);

fn main() {}
