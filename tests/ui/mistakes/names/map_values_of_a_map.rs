//! fix: .map(|(_, value)| value)
//! As of a map.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.values().map(|value| (0, value)).to(out);
    }
);

fn main() {}
