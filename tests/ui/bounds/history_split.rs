//! A history says first that it may grow.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>, rest: Sink<(u64, i64)>>() {
        let (large, small) = pairs.history().split(|&(_, n)| n > 3);
        large.to(out);
        small.to(rest);
    }
);

fn main() {}
