//! State stands outside of loops.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let own = pairs.window(secs(10), secs(1)).distinct();
        own.iterate(|pairs| pairs.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).expire_after(hours(1)).distinct()).to(out);
    }
);

fn main() {}
