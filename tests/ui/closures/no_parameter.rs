//! `map` gives the record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|| "word".to_owned()).to(out);
    }
);

fn main() {}
