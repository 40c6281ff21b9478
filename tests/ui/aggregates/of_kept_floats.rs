//! What is taken back must be told apart.

use streaming_runtime::{aggregate::mean, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(u64, f64)>, out: Sink<(u64, f64)>>() {
        let best = prices.window(secs(10), secs(1)).reduce_by_key(f64::max);
        best.aggregate_by_key(mean()).to(out);
    }
);

fn main() {}
