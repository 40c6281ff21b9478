//! There would be nothing to do.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>>() {
        words.map(|word| word.len() as u64);
    }
);

fn main() {}
