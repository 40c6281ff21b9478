//! fix: let long
//! As in JavaScript.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        var long = words.filter(|word| word.len() > 3);
        long.to(out);
    }
);

fn main() {}
