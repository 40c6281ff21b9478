//! A unit that does not exist.

use streaming_runtime::prelude::*;

stream!(
    #[batch(seconds(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
