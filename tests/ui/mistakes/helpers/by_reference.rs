//! fix: words: Stream<'s, String>
//! A stream is given away.

use streaming_runtime::prelude::*;

fn long<'s>(words: &Stream<'s, String>) -> Stream<'s, String> {
    words.filter(|word| word.len() > 3).share()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(&words).to(out);
    }
);

fn main() {}
