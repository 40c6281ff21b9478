//! What is rejected is forgotten.

use serde::{Deserialize, Serialize};
use streaming_runtime::{formats::json, prelude::*};

#[derive(Clone, Serialize, Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<payloads: Source<Vec<u8>>, out: Sink<Click>>() {
        let (clicks, rejected) = payloads.decode(json::<Click>());
        clicks.to(out);
    }
);

fn main() {}
