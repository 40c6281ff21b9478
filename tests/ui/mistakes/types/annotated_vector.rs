//! fix: Stream<'_, String>
//! A stream is no vector.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long: Vec<String> = words.filter(|word| word.len() > 3);
        long.to(out);
    }
);

fn main() {}
