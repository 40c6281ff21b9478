//! fix: sum().of(
//! An aggregate takes a part by a method.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, i64)>, out: Sink<i64>>() {
        clicks.aggregate(|click| click.1).to(out);
    }
);

fn main() {}
