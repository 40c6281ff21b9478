//! Different is what can be told apart.

use streaming_runtime::{aggregate::count_distinct, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(u64, f64)>, out: Sink<(u64, i64)>>() {
        prices.aggregate_by_key(count_distinct()).to(out);
    }
);

fn main() {}
