//! fix: .distinct()
//! As in differential dataflow.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.consolidate().to(out);
    }
);

fn main() {}
