//! fix: Stream<'s, String>
//! A stream is no iterator.

use streaming_runtime::prelude::*;

fn long(words: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    words.filter(|word| word.len() > 3)
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
