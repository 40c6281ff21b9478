//! Records that are no pairs have no value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, u64)>>() {
        words.map_values(|word: String| word.len() as u64).to(out);
    }
);

fn main() {}
