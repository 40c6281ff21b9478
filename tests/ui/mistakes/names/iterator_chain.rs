//! fix: .union(
//! As of an iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, more: Source<String>, out: Sink<String>>() {
        words.chain(more).to(out);
    }
);

fn main() {}
