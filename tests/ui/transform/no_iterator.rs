//! A batch becomes records.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.transform(|_, all| all.len() as u64).to(out);
    }
);

fn main() {}
