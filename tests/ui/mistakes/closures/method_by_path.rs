//! fix: closure
//! The method takes a reference.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<usize>>() {
        words.map(String::len).to(out);
    }
);

fn main() {}
