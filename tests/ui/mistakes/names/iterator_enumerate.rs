//! fix: .map_with_state(
//! As of an iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(usize, String)>>() {
        words.enumerate().to(out);
    }
);

fn main() {}
