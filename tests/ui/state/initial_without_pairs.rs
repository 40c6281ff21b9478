//! Initial states have keys.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state_with(vec![1, 2], |_, _, total: Option<i64>, new| total).expire_after(hours(1)).to(out);
    }
);

fn main() {}
