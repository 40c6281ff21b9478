//! fix: .of(
//! The part is named.

use streaming_runtime::prelude::*;
use streaming_runtime::aggregate::max;

stream!(
    #[batch(secs(1))]
    fn flow<trades: Source<(u64, (i64, i64))>, out: Sink<(u64, i64)>>() {
        trades.aggregate_by_key(max().by(|trade: &(i64, i64)| trade.1)).to(out);
    }
);

fn main() {}
