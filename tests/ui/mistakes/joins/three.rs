//! fix: Sink<(u64, ((i64, i64), i64))>
//! A join of a join nests.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, c: Source<(u64, i64)>, out: Sink<(u64, (i64, i64, i64))>>() {
        a.join(b).join(c).to(out);
    }
);

fn main() {}
