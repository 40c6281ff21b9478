//! Which of the two would be the batch?

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
        words.filter(|word| word.is_empty()).to(out);
    }
);

fn main() {}
