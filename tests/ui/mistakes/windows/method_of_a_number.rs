//! fix: secs(10)
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(10.secs(), 1.secs()).to(out);
    }
);

fn main() {}
