//! fix: .to(
//! As in Java.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.addSink(out);
    }
);

fn main() {}
