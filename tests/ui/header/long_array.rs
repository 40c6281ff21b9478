//! serde knows short arrays only.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<packets: Source<[u8; 64]>, out: Sink<u8>>() {
        packets.map(|packet| packet[0]).to(out);
    }
);

fn main() {}
