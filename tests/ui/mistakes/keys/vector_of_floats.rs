//! fix: bits
//! Floats have no `Eq`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<points: Source<Vec<f64>>, out: Sink<(Vec<f64>, i64)>>() {
        points.count_by_value().to(out);
    }
);

fn main() {}
