//! What a port carries is a record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<T, words: Source<T>, out: Sink<T>>() {
        words.to(out);
    }
);

fn main() {}
