//! A semijoin takes keys.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, right: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        left.semijoin(right).to(out);
    }
);

fn main() {}
