//! A window is given as durations.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(10, secs(1)).to(out);
    }
);

fn main() {}
