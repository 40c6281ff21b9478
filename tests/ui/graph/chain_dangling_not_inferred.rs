//! A chain without an end has no reader to say its type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| word.parse().unwrap());
        words.to(out);
    }
);

fn main() {}
