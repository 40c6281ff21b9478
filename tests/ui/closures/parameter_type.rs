//! The records are words.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(|word: &u64| *word > 3).to(out);
    }
);

fn main() {}
