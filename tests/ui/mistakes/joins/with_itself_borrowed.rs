//! fix: .union(a)
//! A stream is named again.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<u64>, out: Sink<u64>>() {
        a.union(&a).to(out);
    }
);

fn main() {}
