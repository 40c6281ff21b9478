//! A name that is nothing says nothing of the source that it was meant to be.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<web: Source<String>, shop: Source<String>, out: Sink<String>>() {
        web.union(shpo).to(out);
    }
);

fn main() {}
