//! fix: .inspect(
//! A stream has no text.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        tracing::info!("{:?}", words);
        words.to(out);
    }
);

fn main() {}
