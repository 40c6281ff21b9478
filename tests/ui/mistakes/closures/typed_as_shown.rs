//! fix: word: String
//! `map` gives the record away.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<usize>>() {
        words.map(|word: &String| word.len()).to(out);
    }
);

fn main() {}
