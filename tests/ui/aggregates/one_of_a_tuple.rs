//! Each of a tuple takes the values.

use streaming_runtime::{aggregate::{count, mean}, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<(u64, String)>, out: Sink<(u64, (i64, f64))>>() {
        words.aggregate_by_key((count(), mean())).to(out);
    }
);

fn main() {}
