//! A sink that the header does not have.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(elsewhere);
    }
);

fn main() {}
