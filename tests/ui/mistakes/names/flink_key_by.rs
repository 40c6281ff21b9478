//! fix: .key_by(
//! As in Java.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.keyBy(|pair| pair.0).map(|(_, pair)| pair).to(out);
    }
);

fn main() {}
