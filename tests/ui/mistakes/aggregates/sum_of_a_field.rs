//! fix: .of(
//! The part is named.

use streaming_runtime::prelude::*;
use streaming_runtime::aggregate::sum;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Trade {
    amount: i64,
}

stream!(
    #[batch(secs(1))]
    fn flow<trades: Source<(u64, Trade)>, out: Sink<(u64, i64)>>() {
        trades.aggregate_by_key(sum()).to(out);
    }
);

fn main() {}
