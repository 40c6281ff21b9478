//! fix: .window(
//! As in Flink.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.tumbling_window(secs(10)).to(out);
    }
);

fn main() {}
