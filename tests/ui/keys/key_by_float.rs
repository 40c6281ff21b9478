//! The key is made by the step before.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<f64>, out: Sink<(f64, Vec<f64>)>>() {
        prices.key_by(|price| *price).group_by_key().to(out);
    }
);

fn main() {}
