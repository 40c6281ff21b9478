//! What goes round is records of a key, not of a batch.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        let own = numbers.window(secs(10), secs(1)).distinct();
        own.iterate(|n| n.count()).to(out);
    }
);

fn main() {}
