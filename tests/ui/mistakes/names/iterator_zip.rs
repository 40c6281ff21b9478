//! fix: .join(
//! As of an iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<u64>, b: Source<u64>, out: Sink<(u64, u64)>>() {
        a.zip(b).to(out);
    }
);

fn main() {}
