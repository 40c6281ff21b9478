//! State says how long it is kept.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, numbers: Source<u64>, out: Sink<u64>>() {
        numbers.transform_with(pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())), |_, all, totals| all).to(out);
    }
);

fn main() {}
