//! It says how many parts.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.map_partitions(|part| part).to(out);
    }
);

fn main() {}
