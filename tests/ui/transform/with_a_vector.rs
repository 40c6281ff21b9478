//! The second is a stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.transform_with(vec![1, 2], |_, all, more: Vec<u64>| all).to(out);
    }
);

fn main() {}
