//! fix: Stream<'s, String>
//! A stage is given its streams.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: &Stream<'s, String>) -> Stream<'s, String> {
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
