//! A connector whose records nobody wants.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, more: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
