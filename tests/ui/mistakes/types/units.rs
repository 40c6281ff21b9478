//! fix: .inspect(
//! A closure that only prints.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map(|word| println!("{word}")).to(out);
    }
);

fn main() {}
