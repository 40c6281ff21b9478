//! What is joined with what is kept must be told apart.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, prices: Source<(u64, f64)>, out: Sink<(u64, (i64, f64))>>() {
        let last = pairs.window(secs(10), secs(1)).reduce_by_key(|_, b| b);
        let best = prices.window(secs(10), secs(1)).reduce_by_key(f64::max);
        last.join(best).to(out);
    }
);

fn main() {}
