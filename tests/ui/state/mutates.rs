//! What a function remembers is its state.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let mut calls = 0;
        calls += 1;
        pairs
            .update_state(move |_, total: Option<i64>, new: &[i64]| {
                calls += 1;
                Some(total.unwrap_or(0) + new.len() as i64 + calls)
            })
            .expire_after(hours(1))
            .to(out);
    }
);

fn main() {}
