//! fix: .filter(
//! A count counts everything.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.count(|n| *n > 3).to(out);
    }
);

fn main() {}
