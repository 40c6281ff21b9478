//! fix: Option<i64>
//! The right side may be missing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        a.left_join(b).to(out);
    }
);

fn main() {}
