//! fix: Some(
//! A record may be missing.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.filter_map(|n| match n {
            0 => None,
            n => n * 2,
        }).to(out);
    }
);

fn main() {}
