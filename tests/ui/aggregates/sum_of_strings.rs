//! Only numbers have a sum.

use streaming_runtime::{aggregate::sum, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<(u64, String)>, out: Sink<(u64, String)>>() {
        words.aggregate_by_key(sum()).to(out);
    }
);

fn main() {}
