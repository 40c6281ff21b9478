//! Slices of the record are no records.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.flat_map(|word| word.split(' ')).to(out);
    }
);

fn main() {}
