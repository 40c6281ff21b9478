//! fix: iterate_at_most
//! A limit has an operator of its own.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let own = edges.window(secs(10), secs(1)).distinct();
        own.iterate(10, |pairs| pairs.distinct()).to(out);
    }
);

fn main() {}
