//! A union is of streams of one kind.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<left: Source<(u64, i64)>, right: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        left.window(secs(10), secs(1)).union(right.map(|(key, value)| (key, value + 1))).to(out);
    }
);

fn main() {}
