//! The largest is by an order.

use serde::{Deserialize, Serialize};
use streaming_runtime::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Trade {
    price: f64,
}

stream!(
    #[batch(secs(1))]
    fn flow<trades: Source<Trade>, out: Sink<Vec<Trade>>>() {
        trades.top_k(3).to(out);
    }
);

fn main() {}
