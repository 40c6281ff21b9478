//! fix: .map(
//! Records are compared whole.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, i64)>, out: Sink<Vec<(u64, i64)>>>() {
        clicks.top_k(3, |click| click.1).to(out);
    }
);

fn main() {}
