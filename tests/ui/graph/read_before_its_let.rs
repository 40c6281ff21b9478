//! A stream that feeds itself is a loop.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let all = words.union(back);
        let back = all.filter(|word| word.len() > 3);
        all.to(out);
    }
);

fn main() {}
