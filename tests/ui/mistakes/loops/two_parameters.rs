//! fix: 1 argument
//! A loop has one stream that goes round.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let own = edges.window(secs(10), secs(1)).distinct();
        own.iterate(|a, b| a.union(b)).to(out);
    }
);

fn main() {}
