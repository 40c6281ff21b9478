//! fix: secs(
//! One with a unit, one without.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(10), 1).to(out);
    }
);

fn main() {}
