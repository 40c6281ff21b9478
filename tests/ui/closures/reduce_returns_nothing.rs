//! A merge gives the merged value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        orders.reduce_by_key(|a, b| { a + b; }).to(out);
    }
);

fn main() {}
