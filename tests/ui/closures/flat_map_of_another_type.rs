//! The items are not what the sink takes.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.flat_map(|word| word.chars()).to(out);
    }
);

fn main() {}
