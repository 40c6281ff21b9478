//! A join needs a key on both sides.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<String>, right: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        left.join(right).to(out);
    }
);

fn main() {}
