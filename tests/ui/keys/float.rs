//! Floats have no `Eq`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(f64, i64)>, out: Sink<(f64, i64)>>() {
        prices.reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
