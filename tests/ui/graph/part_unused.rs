//! One half of a split is forgotten.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let (long, short) = words.split(|word| word.len() > 3);
        long.to(out);
    }
);

fn main() {}
