//! fix: fn long
//! A helper is a function.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = |words: Stream<'_, String>| words.filter(|word| word.len() > 3).share();
        long(words).to(out);
    }
);

fn main() {}
