//! What is written needs serde's `Serialize`, as every record does.

use serde::Deserialize;
use streaming_runtime::{formats::json, prelude::*};

#[derive(Clone, Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<u64>, out: Sink<Vec<u8>>>() {
        clicks.map(|user| Click { user }).encode(json()).to(out);
    }
);

fn main() {}
