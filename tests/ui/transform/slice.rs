//! Records are given away.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.transform(|_, all: &[u64]| all.to_vec()).to(out);
    }
);

fn main() {}
