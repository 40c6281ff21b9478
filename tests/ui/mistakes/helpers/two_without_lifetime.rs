//! fix: 's
//! Two streams in, one out.

use streaming_runtime::prelude::*;

fn both(words: Stream<String>, more: Stream<String>) -> Stream<String> {
    words.union(more)
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        both(words, words).to(out);
    }
);

fn main() {}
