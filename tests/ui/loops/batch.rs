//! A batch does not last.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<edges: Source<(u32, u32)>, out: Sink<(u32, u32)>>() {
        edges.distinct().iterate(|pairs| pairs.map(|(a, b)| (b, a)).distinct()).to(out);
    }
);

fn main() {}
