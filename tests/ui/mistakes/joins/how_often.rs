//! fix: .window(
//! How far apart two records may be is said before.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        a.join(b, secs(10)).to(out);
    }
);

fn main() {}
