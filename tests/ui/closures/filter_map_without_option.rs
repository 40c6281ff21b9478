//! `filter_map` keeps what is `Some`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<usize>>() {
        words.filter_map(|word| word.len()).to(out);
    }
);

fn main() {}
