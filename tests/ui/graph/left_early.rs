//! A body has one way through it.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(on: bool) {
        if !on {
            return;
        }
        words.to(out);
    }
);

fn main() {}
