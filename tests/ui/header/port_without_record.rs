//! A source of what?

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
