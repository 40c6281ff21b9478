//! fix: secs(60) or minutes(
//! How long is a duration.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total: Option<i64>, new: &[i64]| Some(total.unwrap_or(0) + new.len() as i64)).expire_after(60).to(out);
    }
);

fn main() {}
