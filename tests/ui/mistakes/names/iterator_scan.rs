//! fix: .map_with_state(
//! As of an iterator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.scan(0, |all, n| { *all += n; Some(*all) }).to(out);
    }
);

fn main() {}
