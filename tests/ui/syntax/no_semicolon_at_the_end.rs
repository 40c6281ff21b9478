//! A `;` is missing after the last `let`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
        let _long = words.filter(|word| word.len() > 3)
    }
);

fn main() {}
