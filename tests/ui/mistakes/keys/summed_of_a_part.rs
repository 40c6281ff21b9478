//! fix: .key_by(
//! The key is said before.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        clicks.count_by_key(|click| click.0).to(out);
    }
);

fn main() {}
