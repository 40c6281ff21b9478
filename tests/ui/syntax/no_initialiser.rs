//! A stream is still to come.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = ;
        words.to(out);
    }
);

fn main() {}
