//! fix: &[i64]
//! The values are shown.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total: Option<i64>, new: Vec<i64>| Some(total.unwrap_or(0) + new.len() as i64)).expire_after(hours(1)).to(out);
    }
);

fn main() {}
