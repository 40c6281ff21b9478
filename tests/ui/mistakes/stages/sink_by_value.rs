//! fix: &SinkPort
//! A stage borrows a sink.

use streaming_runtime::prelude::*;
use streaming_runtime::SinkPort;

stage!(
    fn long<'s>(words: Stream<'s, String>, all: SinkPort<'s, String>) -> Stream<'s, String> {
        words.to(all);
        words.filter(|word| word.len() > 3)
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, all: Sink<String>, out: Sink<String>>() {
        long(words, all).to(out);
    }
);

fn main() {}
