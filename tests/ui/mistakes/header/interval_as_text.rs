//! fix: secs(1)
//! As in a configuration file.

use streaming_runtime::prelude::*;

stream!(
    #[batch("1s")]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
