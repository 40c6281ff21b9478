//! A port carries one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, counts: Sink<String, i64>>() {
        words.map(|word| (word, 1)).to(counts);
    }
);

fn main() {}
