//! A closure outlives the body.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(min: usize) {
        words.filter(|word| word.len() > min).to(out);
    }
);

fn main() {}
