//! fix: .key_by(
//! A join is by key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        a.join(b, |x, y| x.0 == y.0).to(out);
    }
);

fn main() {}
