//! A mean is a float.

use streaming_runtime::{aggregate::mean, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.aggregate_by_key(mean()).to(out);
    }
);

fn main() {}
