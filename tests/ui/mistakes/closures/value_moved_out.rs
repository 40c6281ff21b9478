//! fix: clone
//! A closure is called for each record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>(prefix: String) {
        words.map(move |word| (word, prefix)).map(|(word, prefix)| prefix + &word).to(out);
    }
);

fn main() {}
