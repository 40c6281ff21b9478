//! Who claims that a merge can be undone says how.

use streaming_runtime::{Aggregate, aggregate::Invertible, prelude::*};

struct Total;

impl Aggregate<i64> for Total {
    type Accumulator = i64;
    type Result = i64;
    type Algebra = Invertible;
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
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.window(secs(10), secs(1)).aggregate_by_key(Total).to(out);
    }
);

fn main() {}
