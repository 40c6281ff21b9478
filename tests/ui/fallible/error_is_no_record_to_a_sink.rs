//! An error that is no record, on its way to a sink.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<i64>, dead: Sink<String>>() {
        let (numbers, failed) = lines.try_map(|line| line.parse::<i64>());
        numbers.to(out);
        failed.map(|error| error.to_string()).to(dead);
    }
);

fn main() {}
