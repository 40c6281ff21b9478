//! A `;` is missing before `let`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let long = words.filter(|word| word.len() > 3)
        let short = long.filter(|word| word.len() < 9);
        short.to(out);
    }
);

fn main() {}
