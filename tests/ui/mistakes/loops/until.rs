//! fix: .iterate(
//! A loop ends when nothing changes.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let own = edges.window(secs(10), secs(1)).distinct();
        own.iterate_until(|pairs| pairs.is_empty(), |pairs| pairs.distinct()).to(out);
    }
);

fn main() {}
