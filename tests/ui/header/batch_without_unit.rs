//! A number says no unit.

use streaming_runtime::prelude::*;

stream!(
    #[batch(5)]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
