//! The largest is by an order.

use serde::{Deserialize, Serialize};
use streaming_runtime::{aggregate::top_k, prelude::*};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Trade {
    price: f64,
}

stream!(
    #[batch(secs(1))]
    fn flow<trades: Source<(u64, Trade)>, out: Sink<(u64, Vec<Trade>)>>() {
        trades.aggregate_by_key(top_k(3)).to(out);
    }
);

fn main() {}
