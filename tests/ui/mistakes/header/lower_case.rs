//! fix: Source<
//! A port is no function.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
