//! A join takes a stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        left.join().to(out);
    }
);

fn main() {}
