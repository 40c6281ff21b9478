//! The name of a sink is taken.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let out = words.filter(|word| word.len() > 3);
        out.to(out);
    }
);

fn main() {}
