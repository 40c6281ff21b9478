//! What a closure returns outlives the record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<u64>>() {
        words.map(|word| word.as_str()).map(|word| word.len() as u64).to(out);
    }
);

fn main() {}
