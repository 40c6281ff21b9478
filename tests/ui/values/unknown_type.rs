//! A type that does not exist.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(limit: Limit) {
        words.filter(move |word| word.len() > limit.0).to(out);
    }
);

fn main() {}
