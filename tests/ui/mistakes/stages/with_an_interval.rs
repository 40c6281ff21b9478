//! fix: stream!
//! A stage has its caller's interval.

use streaming_runtime::prelude::*;

stage!(
    #[batch(secs(1))]
    fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
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
