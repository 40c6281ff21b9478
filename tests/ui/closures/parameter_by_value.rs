//! `filter` shows the record, it does not give it away.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.filter(|word: String| word.len() > 3).to(out);
    }
);

fn main() {}
