//! fix: .of(
//! Only numbers have a mean.

use streaming_runtime::prelude::*;
use streaming_runtime::aggregate::mean;

stream!(
    #[batch(secs(1))]
    fn flow<calls: Source<(u64, std::time::Duration)>, out: Sink<(u64, f64)>>() {
        calls.aggregate_by_key(mean()).to(out);
    }
);

fn main() {}
