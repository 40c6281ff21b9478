//! fix: Sink<String>
//! A function returns; a pipeline has ports.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>>() -> Stream<String> {
        words.filter(|word| word.len() > 3)
    }
);

fn main() {}
