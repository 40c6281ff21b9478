//! What takes a stream is a function.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        let doubled = |stream| stream.map(|number| number * 2);
        doubled(numbers).to(out);
    }
);

fn main() {}
