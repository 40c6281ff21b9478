//! fix: delete
//! A stream is read as often as one likes.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let kept = words.cache();
        kept.to(out);
    }
);

fn main() {}
