//! fix: secs(10)
//! A type is no function.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(Seconds(10), Seconds(1)).to(out);
    }
);

fn main() {}
