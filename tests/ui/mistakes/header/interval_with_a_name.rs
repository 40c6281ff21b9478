//! fix: #[batch(millis(200))]
//! An attribute with a name in it.

use streaming_runtime::prelude::*;

stream!(
    #[batch(every = millis(200))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
