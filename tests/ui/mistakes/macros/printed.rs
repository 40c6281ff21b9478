//! fix: .inspect(
//! A stream cannot be printed.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        println!("{words}");
        words.to(out);
    }
);

fn main() {}
