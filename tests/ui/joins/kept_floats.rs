//! What is joined with what is kept must be told apart.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(u64, f64)>, out: Sink<(u64, (f64, f64))>>() {
        let best = prices.window(secs(10), secs(1)).reduce_by_key(f64::max);
        let worst = prices.window(secs(10), secs(1)).reduce_by_key(f64::min);
        best.join(worst).to(out);
    }
);

fn main() {}
