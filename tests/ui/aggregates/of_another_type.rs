//! A part is of the value.

use streaming_runtime::{aggregate::sum, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.aggregate_by_key(sum().of(|word: &String| word.len() as i64)).to(out);
    }
);

fn main() {}
