//! fix: Option<i64>
//! A key may be new.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.update_state(|_, total: i64, new: &[i64]| Some(total + new.iter().sum::<i64>())).expire_after(hours(1)).to(out);
    }
);

fn main() {}
