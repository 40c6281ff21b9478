//! What is rejected is a record of its own.

use serde::{Deserialize, Serialize};
use streaming_runtime::{formats::json, prelude::*};

#[derive(Clone, Serialize, Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<payloads: Source<Vec<u8>>, out: Sink<Click>, dead: Sink<String>>() {
        let (clicks, rejected) = payloads.decode(json::<Click>());
        clicks.to(out);
        rejected.to(dead);
    }
);

fn main() {}
