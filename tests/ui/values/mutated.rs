//! A value that is not `mut` is not changed.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(seen: u64) {
        words
            .map(move |word| {
                seen += 1;
                format!("{seen}: {word}")
            })
            .to(out);
    }
);

fn main() {}
