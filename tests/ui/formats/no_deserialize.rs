//! What is decoded must be a record.

use serde::Serialize;
use streaming_runtime::{formats::json, prelude::*};

#[derive(Clone, Serialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<payloads: Source<Vec<u8>>, out: Sink<u64>>() {
        let (clicks, rejected) = payloads.decode(json::<Click>());
        clicks.map(|click| click.user).to(out);
        rejected.skip();
    }
);

fn main() {}
