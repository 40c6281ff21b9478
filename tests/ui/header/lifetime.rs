//! Records own their data.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<'a, words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
