//! fix: stage!
//! A pipeline is started, not called.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn other<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        other(words).to(out);
    }
);

fn main() {}
