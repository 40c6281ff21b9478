//! Nothing says what the JSON is.

use streaming_runtime::{formats::json, prelude::*};

stream!(
    #[batch(secs(1))]
    fn flow<payloads: Source<Vec<u8>>, out: Sink<u64>>() {
        let (clicks, rejected) = payloads.decode(json());
        clicks.map(|click| click.user).to(out);
        rejected.skip();
    }
);

fn main() {}
