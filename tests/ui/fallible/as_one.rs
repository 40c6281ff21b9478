//! `try_map` makes two streams.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<i64>>() {
        lines.try_map(|line| line.parse::<i64>().map_err(|error| error.to_string())).to(out);
    }
);

fn main() {}
