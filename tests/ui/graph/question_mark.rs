//! A pipeline cannot fail while it is built.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| word)?.to(out);
    }
);

fn main() {}
