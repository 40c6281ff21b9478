//! fix: .filter_map(
//! What may be missing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.map(|word| word.parse::<i64>().ok()).to(out);
    }
);

fn main() {}
