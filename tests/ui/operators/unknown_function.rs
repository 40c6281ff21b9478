//! A function that is not there.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        lng(words).to(out);
    }
);

fn main() {}
