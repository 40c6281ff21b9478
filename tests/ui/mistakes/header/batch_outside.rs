//! fix: stream!(
//! The interval stands on the pipeline.

use streaming_runtime::prelude::*;

#[batch(secs(1))]
stream!(
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
