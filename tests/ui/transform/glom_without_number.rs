//! It says how many parts.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<Vec<u64>>>() {
        numbers.glom().to(out);
    }
);

fn main() {}
