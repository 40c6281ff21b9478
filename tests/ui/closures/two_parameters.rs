//! `map` gives one record at a time.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word, n| word).to(out);
    }
);

fn main() {}
