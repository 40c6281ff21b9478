//! fix: .inspect(
//! As of an iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.for_each(|word| println!("{word}"));
        words.to(out);
    }
);

fn main() {}
