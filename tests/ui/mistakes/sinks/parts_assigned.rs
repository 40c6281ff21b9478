//! fix: .to(
//! A split makes two streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, long: Sink<String>, short: Sink<String>>() {
        (long, short) = words.split(|word| word.len() > 3);
    }
);

fn main() {}
