//! fix: value
//! A pipeline is no method.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(&self) {
        words.to(out);
    }
);

fn main() {}
