//! Batches that meet are due together.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, more: Source<u64>, out: Sink<u64>>() {
        numbers.transform_with(more.window(secs(10), secs(5)), |_, all, more| all).to(out);
    }
);

fn main() {}
