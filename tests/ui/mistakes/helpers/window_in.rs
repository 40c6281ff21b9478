//! fix: Windowed
//! A window is another kind of stream.

use streaming_runtime::prelude::*;

fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
    words.filter(|word| word.len() > 3).share()
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        long(words.window(secs(10), secs(1))).to(out);
    }
);

fn main() {}
