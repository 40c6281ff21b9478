//! fix: let (
//! Two streams have two names.

use streaming_runtime::prelude::*;

fn both<'s>(words: Stream<'s, String>) -> (Stream<'s, String>, Stream<'s, String>) {
    words.split(|word| word.len() > 3)
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        both(words).to(out);
    }
);

fn main() {}
