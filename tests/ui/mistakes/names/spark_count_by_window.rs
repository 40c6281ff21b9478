//! fix: .window(
//! Spark has the window in the operator.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<i64>>() {
        words.countByWindow(secs(30), secs(10)).to(out);
    }
);

fn main() {}
