//! fix: .inspect( or .map(
//! A stream has no next.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        while let Some(word) = words.next() {
            println!("{word}");
        }
        words.to(out);
    }
);

fn main() {}
