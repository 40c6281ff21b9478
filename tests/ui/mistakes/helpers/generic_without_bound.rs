//! fix: T: Record
//! A record is one.

use streaming_runtime::prelude::*;

fn long<'s, T>(words: Stream<'s, T>) -> Stream<'s, T> {
    words.filter(|_| true).share()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
