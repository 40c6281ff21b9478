//! fix: let
//! A stream is a local name.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        const LONG: Stream<String> = words.filter(|word| word.len() > 3);
        LONG.to(out);
    }
);

fn main() {}
