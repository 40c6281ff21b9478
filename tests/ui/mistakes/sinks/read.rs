//! fix: .to(
//! Nothing is read from a sink.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>, more: Sink<String>>() {
        words.to(out);
        out.map(|word| word.to_uppercase()).to(more);
    }
);

fn main() {}
