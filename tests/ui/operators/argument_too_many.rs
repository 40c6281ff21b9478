//! `count` takes nothing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.count(|word| word.len() > 3).to(out);
    }
);

fn main() {}
