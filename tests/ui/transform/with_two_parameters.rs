//! The function sees the time and both batches.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, more: Source<u64>, out: Sink<u64>>() {
        numbers.transform_with(more, |_, all| all).to(out);
    }
);

fn main() {}
