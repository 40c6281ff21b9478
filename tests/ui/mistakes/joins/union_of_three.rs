//! fix: .union(c)
//! One at a time.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<u64>, b: Source<u64>, c: Source<u64>, out: Sink<u64>>() {
        a.union(b, c).to(out);
    }
);

fn main() {}
