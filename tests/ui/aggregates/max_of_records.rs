//! The largest is by an order.

use serde::{Deserialize, Serialize};
use streaming_runtime::{aggregate::max, prelude::*};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Trade {
    price: f64,
}

stream!(
    #[batch(secs(1))]
    fn flow<trades: Source<(u64, Trade)>, out: Sink<(u64, Trade)>>() {
        trades.window(secs(10), secs(1)).aggregate_by_key(max()).to(out);
    }
);

fn main() {}
