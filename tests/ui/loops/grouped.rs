//! What goes round has no order of arrival.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        let own = edges.window(secs(10), secs(1)).distinct();
        own.iterate(|pairs| pairs.group_by_key().map(|(key, group)| (key, group[0]))).to(out);
    }
);

fn main() {}
