//! A pipeline is no future.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    async fn flow<words: Source<String>, out: Sink<String>>() {
        words.to(out);
    }
);

fn main() {}
