//! A stream may have several readers.

use streaming_runtime::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<Click>>() {
        clicks.filter(|click| click.user > 0).to(out);
    }
);

fn main() {}
