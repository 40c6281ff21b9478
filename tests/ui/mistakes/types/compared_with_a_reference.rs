//! fix: *n
//! `filter` shows the record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.filter(|n| n > 3).to(out);
    }
);

fn main() {}
