//! fix: Sink<(String, i64)>
//! A sink is of records, not of batches.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<Vec<(String, i64)>>>() {
        words.count_by_value().to(out);
    }
);

fn main() {}
