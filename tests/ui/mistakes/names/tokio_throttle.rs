//! fix: max_rate
//! As of tokio's streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.throttle(secs(1)).to(out);
    }
);

fn main() {}
