//! State says how long it is kept before it is windowed.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).window(secs(10), secs(1)).to(out);
    }
);

fn main() {}
