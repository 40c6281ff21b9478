//! fix: #[batch(secs(1))]
//! What other engines call the interval.

use streaming_runtime::prelude::*;

stream!(
    #[interval(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
