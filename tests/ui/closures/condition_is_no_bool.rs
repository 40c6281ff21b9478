//! `filter` asks a question.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(|word| word.len()).to(out);
    }
);

fn main() {}
