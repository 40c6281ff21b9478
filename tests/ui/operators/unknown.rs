//! An operator that does not exist.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.shout().to(out);
    }
);

fn main() {}
