//! What fails is forgotten.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<lines: Source<String>, out: Sink<i64>>() {
        let (numbers, failed) = lines.try_map(|line| line.parse::<i64>().map_err(|error| error.to_string()));
        numbers.to(out);
    }
);

fn main() {}
