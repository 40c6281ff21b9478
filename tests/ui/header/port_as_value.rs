//! A stream is no run-time value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<out: Sink<String>>(words: Source<String>) {
        words.to(out);
    }
);

fn main() {}
