//! fix: .left_join(
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (i64, Option<i64>))>>() {
        a.leftOuterJoin(b).to(out);
    }
);

fn main() {}
