//! `try_map` makes two streams, and one name is not enough.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<i64>>() {
        let numbers = lines.try_map(|line| line.parse::<i64>().map_err(|error| error.to_string()));
        numbers.map(|n| n + 1).to(out);
    }
);

fn main() {}
