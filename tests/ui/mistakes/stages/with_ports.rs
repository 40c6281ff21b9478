//! fix: Stream<'s, String>
//! A stage takes streams.

use streaming_runtime::prelude::*;

stage!(
    fn long<words: Source<String>>() -> Source<String> {
        words.filter(|word| word.len() > 3)
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
