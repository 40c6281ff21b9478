//! A format must be given.

use serde::{Deserialize, Serialize};
use streaming_runtime::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<payloads: Source<Vec<u8>>, out: Sink<Click>>() {
        let (clicks, rejected) = payloads.decode();
        clicks.to(out);
        rejected.skip();
    }
);

fn main() {}
