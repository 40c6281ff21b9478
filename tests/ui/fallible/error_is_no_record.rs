//! The errors of the standard library cannot travel.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<i64>>() {
        let (numbers, failed) = lines.try_map(|line| line.parse::<i64>());
        numbers.reduce(|a, b| a + b).to(out);
        failed.skip();
    }
);

fn main() {}
