//! fix: use std::ops::Add
//! The trait of `+`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.reduce_by_key(i64::add).to(out);
    }
);

fn main() {}
