//! A record owns its data.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<&str>, out: Sink<&str>>() {
        words.to(out);
    }
);

fn main() {}
