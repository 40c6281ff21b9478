//! It says how many.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<Vec<i64>>>() {
        numbers.top_k().to(out);
    }
);

fn main() {}
