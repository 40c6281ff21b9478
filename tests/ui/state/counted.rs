//! State says how long it is kept before it is counted.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<i64>>() {
        pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).count().to(out);
    }
);

fn main() {}
