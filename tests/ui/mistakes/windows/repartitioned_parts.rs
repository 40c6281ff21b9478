//! fix: .map_partitions(
//! The window comes last.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.window(secs(10), secs(1)).map_partitions(|part| part).to(out);
    }
);

fn main() {}
