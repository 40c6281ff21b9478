//! A batch is whole outside of loops only.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        let own = numbers.window(secs(10), secs(1)).distinct();
        own.iterate(|n| n.transform(|_, all| all).distinct()).to(out);
    }
);

fn main() {}
