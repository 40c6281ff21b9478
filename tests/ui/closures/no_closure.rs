//! A number where a closure is asked for.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(3).to(out);
    }
);

fn main() {}
