//! Without a batch interval no window has a size.

use streaming_runtime::prelude::*;

stream!(
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
