//! Only numbers have a sum.

use serde::{Deserialize, Serialize};
use streaming_runtime::{aggregate::sum, prelude::*};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Trade {
    price: f64,
}

stream!(
    #[batch(secs(1))]
    fn flow<trades: Source<(u64, Trade)>, out: Sink<(u64, f64)>>() {
        trades.aggregate_by_key(sum()).to(out);
    }
);

fn main() {}
