//! fix: Sink<(String, i64)>
//! A pair is one type.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String, i64>>() {
        words.count_by_value().to(out);
    }
);

fn main() {}
