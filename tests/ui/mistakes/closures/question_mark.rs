//! fix: .try_map(
//! A closure that fails.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.map(|word| word.parse::<i64>()?).to(out);
    }
);

fn main() {}
