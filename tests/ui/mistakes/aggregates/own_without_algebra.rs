//! fix: Algebra
//! An aggregate of one's own says how it merges.

use streaming_runtime::prelude::*;
use streaming_runtime::Aggregate;

struct Total;

impl Aggregate<i64> for Total {
    type Accumulator = i64;
    type Result = i64;
    fn create(&self, n: i64) -> i64 {
        n
    }
    fn merge(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    fn result(&self, n: i64) -> i64 {
        n
    }
}

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.aggregate(Total).to(out);
    }
);

fn main() {}
