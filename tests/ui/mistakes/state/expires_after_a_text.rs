//! fix: hours(1)
//! How long is a duration.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total: Option<i64>, new: &[i64]| Some(new.len() as i64)).expire_after("1h").to(out);
    }
);

fn main() {}
