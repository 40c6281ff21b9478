//! fix: .union(
//! As of tokio's streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let all = words.merge(words);
        all.to(out);
    }
);

fn main() {}
