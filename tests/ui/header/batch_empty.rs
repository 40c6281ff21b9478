//! An attribute without an interval.

use streaming_runtime::prelude::*;

stream!(
    #[batch]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
