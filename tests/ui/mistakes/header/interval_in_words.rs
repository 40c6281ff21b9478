//! fix: #[batch(secs(10))]
//! As in a configuration file.

use streaming_runtime::prelude::*;

stream!(
    #[batch(10 seconds)]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
