//! The function sees the key, the state and the new values.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).expire_after(hours(1)).to(out);
    }
);

fn main() {}
