//! A part becomes records.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.map_partitions(4, |part| part.into_iter().sum::<u64>()).to(out);
    }
);

fn main() {}
