//! A port is a source or a sink.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Stream<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
