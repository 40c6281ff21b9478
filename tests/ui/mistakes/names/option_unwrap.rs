//! fix: .filter_map(
//! As of an option.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<Option<i64>>, out: Sink<i64>>() {
        numbers.unwrap().to(out);
    }
);

fn main() {}
