//! A pair is one record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        orders.filter(|user, amount| *amount > 0).to(out);
    }
);

fn main() {}
