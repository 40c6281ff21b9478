//! A batch of no length never ends.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(0))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
