//! fix: .to(out)
//! `into` is another method.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.into(out);
    }
);

fn main() {}
