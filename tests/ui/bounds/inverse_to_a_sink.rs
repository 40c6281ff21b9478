//! Keys of an inverse stay for ever.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let recent = pairs.window(secs(10), secs(1));
        recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).to(out);
    }
);

fn main() {}
