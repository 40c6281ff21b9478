//! fix: .union(
//! Streams are named one by one.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<a: Source<u64>, b: Source<u64>, out: Sink<u64>>() {
        let all = vec![a, b];
        all.into_iter().reduce(|x, y| x.union(y)).to(out);
    }
);

fn main() {}
