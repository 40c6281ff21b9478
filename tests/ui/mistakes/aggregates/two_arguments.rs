//! fix: (sum(), count())
//! Several are a tuple.

use streaming_runtime::prelude::*;
use streaming_runtime::aggregate::{count, sum};

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
        pairs.aggregate_by_key(sum(), count()).to(out);
    }
);

fn main() {}
