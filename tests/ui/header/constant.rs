//! A constant is a value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>, const MIN: usize>() {
        words.filter(|word| word.len() > MIN).to(out);
    }
);

fn main() {}
