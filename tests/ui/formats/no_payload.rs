//! Numbers have no bytes to read.

use serde::{Deserialize, Serialize};
use streaming_runtime::{formats::json, prelude::*};

#[derive(Clone, Serialize, Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<numbers: Source<i64>, out: Sink<Click>>() {
        let (clicks, rejected) = numbers.decode(json::<Click>());
        clicks.to(out);
        rejected.skip();
    }
);

fn main() {}
