//! fix: |word|
//! As in Java.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(word -> word.len() > 3).to(out);
    }
);

fn main() {}
