//! fix: .map(
//! As of tokio's streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let first = words.next();
        words.to(out);
    }
);

fn main() {}
