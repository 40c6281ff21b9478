//! fix: T: Record
//! More than `Clone` is asked.

use streaming_runtime::prelude::*;

fn long<'s, T: Clone + 'static>(words: Stream<'s, T>) -> Stream<'s, T> {
    words.filter(|_| true).share()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
