//! What goes round must be told apart.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(u32, f64)>, out: Sink<(u32, f64)>>() {
        let best = prices.window(secs(10), secs(1)).reduce_by_key(f64::max);
        best.iterate(|prices| prices.map_values(|p| p / 2.0)).to(out);
    }
);

fn main() {}
