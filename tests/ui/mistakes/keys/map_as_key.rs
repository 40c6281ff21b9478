//! fix: BTreeMap
//! A hash map has no hash.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<tags: Source<(std::collections::HashMap<String, String>, i64)>, out: Sink<i64>>() {
        tags.reduce_by_key(|a, b| a + b).map(|(_, n)| n).to(out);
    }
);

fn main() {}
