//! fix: usize
//! A stage takes what it says.

use streaming_runtime::prelude::*;

stage!(
    fn long<'s>(words: Stream<'s, String>, least: usize) -> Stream<'s, String> {
        words.filter(move |word| word.len() > least)
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
