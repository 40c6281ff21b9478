//! Ports are told apart by their names.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
