//! fix: Vec<i64>
//! Each side is a list.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<(u64, i64)>, b: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        a.cogroup(b).to(out);
    }
);

fn main() {}
