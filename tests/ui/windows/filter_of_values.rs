//! The filter sees a key and its value.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let recent = pairs.window(secs(10), secs(1));
        recent.reduce_by_key_with_inverse_and_filter(|a, b| a + b, |a, b| a - b, |sum: &i64| *sum != 0).to(out);
    }
);

fn main() {}
