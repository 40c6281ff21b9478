//! fix: .reduce(|a, b| a + b)
//! A reduction begins with a record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.reduce(0, |a, b| a + b).to(out);
    }
);

fn main() {}
