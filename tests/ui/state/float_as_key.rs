//! A key is compared and hashed.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<prices: Source<(f64, i64)>, out: Sink<(f64, i64)>>() {
        prices.update_state(|_, total, new| Some(total.unwrap_or(0) + new.iter().sum::<i64>())).expire_after(hours(1)).to(out);
    }
);

fn main() {}
