//! `flat_map` takes something that can be iterated.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<usize>>() {
        words.flat_map(|word| word.len()).to(out);
    }
);

fn main() {}
