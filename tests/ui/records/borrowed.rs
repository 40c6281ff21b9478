//! A record owns its data.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<&str>, out: Sink<u64>>() {
        words.map(|word| word.len() as u64).to(out);
    }
);

fn main() {}
