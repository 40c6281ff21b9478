//! Windows that are united are one window, which has one slide.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, right: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let a = left.window(secs(10), secs(5));
        let b = right.window(secs(10), secs(2));
        a.union(b).to(out);
    }
);

fn main() {}
