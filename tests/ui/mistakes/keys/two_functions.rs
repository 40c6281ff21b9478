//! fix: .map(
//! A pair is made at once.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        clicks.key_by(|click| click.0, |click| click.1).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
