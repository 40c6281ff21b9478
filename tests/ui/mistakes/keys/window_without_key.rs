//! fix: .key_by(
//! A window of words has no key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, i64)>>() {
        words.window(secs(10), secs(1)).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
