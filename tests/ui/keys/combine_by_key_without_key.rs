//! Records that are no pairs have no key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, usize)>>() {
        words.combine_by_key(|word: String| word.len(), |n, word| n + word.len(), |a, b| a + b).to(out);
    }
);

fn main() {}
