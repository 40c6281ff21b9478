//! A name that is nothing says nothing of the source that it was meant to be.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, counts: Sink<(String, i64)>>() {
        let pairs = wrods.map(|word| (word, 1));
        pairs.reduce_by_key(|a, b| a + b).to(counts);
    }
);

fn main() {}
