//! `reduce_by_key` may call its closure anywhere, so it keeps nothing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let mut merged = 0;
        orders
            .reduce_by_key(move |a, b| {
                merged += 1;
                a + b
            })
            .to(out);
    }
);

fn main() {}
