//! fix: channel_sink
//! A connector is given at the start.

use streaming_runtime::{connect::channel_sink, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let (sink, _batches) = channel_sink(8);
        words.to(sink);
    }
);

fn main() {}
