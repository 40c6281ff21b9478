//! The sink says words, the stream carries pairs.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let counts = words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b);
        counts.to(out);
    }
);

fn main() {}
