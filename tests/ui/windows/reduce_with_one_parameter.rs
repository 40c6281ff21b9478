//! Two become one.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.window(secs(10), secs(1)).reduce(|a| a).to(out);
    }
);

fn main() {}
