//! An `Option` says nothing of what failed.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<i64>>() {
        let (numbers, failed) = lines.try_map(|line| line.parse::<i64>().ok());
        numbers.to(out);
        failed.skip();
    }
);

fn main() {}
