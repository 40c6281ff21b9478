//! Records are spread before they are windowed.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(secs(10), secs(1)).repartition(4).to(out);
    }
);

fn main() {}
