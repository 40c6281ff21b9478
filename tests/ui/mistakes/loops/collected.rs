//! fix: .to(out)
//! A stream is no vector.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<Vec<String>>>() {
        let all: Vec<String> = words.collect();
        all.to(out);
    }
);

fn main() {}
