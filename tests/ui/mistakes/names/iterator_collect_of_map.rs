//! fix: .to(
//! The end of an iterator's chain.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let all: Vec<String> = words.map(|word| word.to_uppercase()).collect();
        words.to(out);
    }
);

fn main() {}
