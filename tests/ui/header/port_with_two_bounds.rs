//! A port is one thing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String> + Send, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
