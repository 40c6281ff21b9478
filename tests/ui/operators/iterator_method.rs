//! What iterators have and streams do not.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.take(3).to(out);
    }
);

fn main() {}
