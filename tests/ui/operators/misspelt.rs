//! A slip of the finger.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.fliter(|word| word.len() > 3).to(out);
    }
);

fn main() {}
