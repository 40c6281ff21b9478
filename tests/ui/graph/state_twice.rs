//! Two states under one name.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        orders.update_state(|_, _, _| Some(1)).update_state(|_, _, _| Some(1)).to(out);
    }
);

fn main() {}
