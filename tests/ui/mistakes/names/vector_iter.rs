//! fix: .map(
//! As of a vector.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.iter().map(|word| word.to_uppercase()).to(out);
    }
);

fn main() {}
