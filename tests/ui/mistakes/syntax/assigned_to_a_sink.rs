//! fix: .to(out)
//! A sink is written with `to`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        out = words.filter(|word| word.len() > 3);
    }
);

fn main() {}
