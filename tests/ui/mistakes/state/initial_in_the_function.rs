//! fix: .update_state_with(
//! The beginning is given apart.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(0, |_, total: i64, new: &[i64]| Some(total)).expire_after(hours(1)).to(out);
    }
);

fn main() {}
