//! What fails in a loop could not leave it.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, u64)>, out: Sink<(u64, u64)>>() {
        let reached = pairs.iterate(|label| {
            let (smaller, failed) =
                label.try_map(|(a, b)| b.checked_sub(1).map(|b| (a, b)).ok_or_else(|| (a, b)));
            smaller.union(failed).distinct()
        });
        reached.to(out);
    }
);

fn main() {}
