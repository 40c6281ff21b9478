//! fix: feature `rc`
//! Serde knows `Arc` by a feature only.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<(std::sync::Arc<str>, i64)>, out: Sink<i64>>() {
        words.map(|(_, n)| n).to(out);
    }
);

fn main() {}
