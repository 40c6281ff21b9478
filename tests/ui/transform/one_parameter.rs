//! The function sees the time and the records.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.transform(|all| all).to(out);
    }
);

fn main() {}
