//! fix: |word|
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(_.len() > 3).to(out);
    }
);

fn main() {}
