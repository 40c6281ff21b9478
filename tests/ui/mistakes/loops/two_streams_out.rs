//! fix: one stream
//! A loop makes one stream.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let own = edges.window(secs(10), secs(1)).distinct();
        own.iterate(|pairs| (pairs, pairs)).to(out);
    }
);

fn main() {}
