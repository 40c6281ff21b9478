//! The function makes the state that it is given.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total: Option<i64>, new| Some(new.len().to_string())).expire_after(hours(1)).to(out);
    }
);

fn main() {}
