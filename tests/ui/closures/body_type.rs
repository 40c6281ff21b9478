//! `+` of a text and a number.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| word + 1).to(out);
    }
);

fn main() {}
