//! A mistake brings no warnings about what the body would have used.

use streaming_runtime::prelude::*;

use std::collections::BTreeMap;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        let known: BTreeMap<u64, u64> = BTreeMap::new();
        if known.is_empty() {
            words.to(out);
        }
    }
);

fn main() {}
