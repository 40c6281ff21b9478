//! A closure was forgotten.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter().to(out);
    }
);

fn main() {}
