//! Operators get their types from the ports.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<_>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
