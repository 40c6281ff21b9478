//! A method that the record does not have.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| word.shout()).to(out);
    }
);

fn main() {}
