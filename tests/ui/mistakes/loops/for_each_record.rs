//! fix: .map(
//! A stream is no iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        for word in words {
            println!("{word}");
        }
        words.to(out);
    }
);

fn main() {}
