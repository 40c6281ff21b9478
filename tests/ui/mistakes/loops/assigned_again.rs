//! fix: let
//! A stream keeps its name.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let mut all = words.filter(|word| word.len() > 3);
        all = all.map(|word| word.to_uppercase());
        all.to(out);
    }
);

fn main() {}
