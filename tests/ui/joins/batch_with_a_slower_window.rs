//! A batch is joined with a window that is new in each batch.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, right: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        left.join(right.window(secs(10), secs(5))).to(out);
    }
);

fn main() {}
