//! State is bounded once.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).expire_after(hours(1)).allow_unbounded("why").to(out);
    }
);

fn main() {}
