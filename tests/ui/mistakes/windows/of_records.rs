//! fix: .window(
//! A number of records is no length.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(100, 10).to(out);
    }
);

fn main() {}
