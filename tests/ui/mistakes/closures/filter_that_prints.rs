//! fix: bool
//! `filter` asks a question.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(|word| println!("{word}")).to(out);
    }
);

fn main() {}
