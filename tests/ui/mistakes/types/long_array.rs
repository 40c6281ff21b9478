//! fix: Vec<
//! Serde knows arrays up to 32.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<blocks: Source<[u8; 64]>, out: Sink<u64>>() {
        blocks.map(|block| u64::from(block[0])).to(out);
    }
);

fn main() {}
