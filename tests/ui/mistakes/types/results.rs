//! fix: .try_map(
//! What may fail.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.map(|word| word.parse::<i64>().map_err(|error| error.to_string())).to(out);
    }
);

fn main() {}
