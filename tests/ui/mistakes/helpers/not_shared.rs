//! fix: .share() or .into()
//! A chain has a type of its own.

use streaming_runtime::prelude::*;

fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
    words.filter(|word| word.len() > 3)
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
