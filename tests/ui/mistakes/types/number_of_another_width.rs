//! fix: Sink<(String, u32)>
//! The literal says its width.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(String, i64)>>() {
        words.map(|word| (word, 1u32)).reduce_by_key(|a, b| a + b).to(out);
    }
);

fn main() {}
