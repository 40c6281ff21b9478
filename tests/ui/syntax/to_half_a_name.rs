//! A name is still to come.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(|word| word.len() > 3).t
    }
);

fn main() {}
