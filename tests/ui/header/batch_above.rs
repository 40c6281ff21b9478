//! The batch interval stands in the macro.

use streaming_runtime::prelude::*;

#[batch(secs(1))]
stream!(
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
