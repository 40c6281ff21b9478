//! What goes round is records of a key, not of a batch.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let own = edges.window(secs(10), secs(1)).distinct();
        own.iterate(|pairs| {
            let n = pairs.count();
            pairs.distinct()
        }).to(out);
    }
);

fn main() {}
