//! fix: secs(10)
//! As in a configuration file.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window("10 seconds", "1 second").to(out);
    }
);

fn main() {}
