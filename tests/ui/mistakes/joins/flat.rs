//! fix: Sink<(u64, (i64, i64))>
//! A join makes a key and a pair.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, i64, i64)>>() {
        a.join(b).to(out);
    }
);

fn main() {}
