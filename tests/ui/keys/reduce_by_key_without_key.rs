//! Records that are no pairs have no key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.reduce_by_key(|a, b| a + &b).to(out);
    }
);

fn main() {}
