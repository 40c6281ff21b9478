//! fix: long(words)
//! A function is called by its name.

use streaming_runtime::prelude::*;

fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
    words.filter(|word| word.len() > 3).share()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.long().to(out);
    }
);

fn main() {}
