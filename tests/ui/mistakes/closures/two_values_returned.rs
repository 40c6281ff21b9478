//! fix: tuple
//! One record is returned.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, i64)>>() {
        words.map(|word| word, 1).to(out);
    }
);

fn main() {}
