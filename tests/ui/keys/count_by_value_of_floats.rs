//! Records are told apart by `Eq` and `Hash`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<f64>, out: Sink<(f64, i64)>>() {
        prices.count_by_value().to(out);
    }
);

fn main() {}
