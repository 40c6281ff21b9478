//! A struct is no text.

use serde::{Deserialize, Serialize};
use streaming_runtime::{formats::text, prelude::*};

#[derive(Clone, Serialize, Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<Vec<u8>>>() {
        clicks.encode(text()).to(out);
    }
);

fn main() {}
