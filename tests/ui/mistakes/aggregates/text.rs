//! fix: count()
//! As in SQL.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.aggregate("count").to(out);
    }
);

fn main() {}
