//! fix: .window(secs(10), secs(1))
//! An operator comes behind.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.window(secs(10), secs(1), |window| window.sum()).to(out);
    }
);

fn main() {}
