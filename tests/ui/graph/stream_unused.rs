//! A stream that nobody reads.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = words.filter(|word| word.len() > 3);
        words.to(out);
    }
);

fn main() {}
