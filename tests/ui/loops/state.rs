//! State says how long it is kept before it is repeated.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let totals = pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>()));
        totals.iterate(|pairs| pairs.map(|(k, n)| (k / 2, n)).distinct()).to(out);
    }
);

fn main() {}
