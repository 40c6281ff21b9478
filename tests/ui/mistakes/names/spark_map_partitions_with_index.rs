//! fix: .map_partitions(
//! Spark numbers its partitions.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.map_partitions_with_index(|_, part| part).to(out);
    }
);

fn main() {}
