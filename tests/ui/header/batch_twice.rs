//! One interval only.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    #[batch(secs(2))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
