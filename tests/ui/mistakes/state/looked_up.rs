//! fix: view()
//! A state is asked by a view.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let totals = pairs.update_state(|_, total: Option<i64>, new: &[i64]| Some(new.len() as i64)).expire_after(hours(1));
        let one = totals.get(&1);
        totals.to(out);
    }
);

fn main() {}
