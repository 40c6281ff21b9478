//! fix: Sink<(String, i64)>
//! The key comes first.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<(i64, String)>>() {
        words.count_by_value().to(out);
    }
);

fn main() {}
