//! State is kept by key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<(u64, i64)>>() {
        numbers.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).expire_after(hours(1)).to(out);
    }
);

fn main() {}
