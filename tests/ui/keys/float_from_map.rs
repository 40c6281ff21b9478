//! Floats have no `Eq`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(u64, f64)>, out: Sink<(f64, i64)>>() {
        prices.map(|(_, price)| (price, 1)).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
