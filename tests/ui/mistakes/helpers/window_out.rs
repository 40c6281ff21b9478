//! fix: Windowed
//! A window is another kind of stream.

use streaming_runtime::prelude::*;

fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
    words.window(secs(10), secs(1))
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words).to(out);
    }
);

fn main() {}
