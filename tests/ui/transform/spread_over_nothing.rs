//! Records go to some worker.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.repartition(0).to(out);
    }
);

fn main() {}
