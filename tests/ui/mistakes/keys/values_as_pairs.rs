//! fix: i64
//! `map_values` shows the value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.map_values(|(key, value)| value + 1).to(out);
    }
);

fn main() {}
