//! A type that does not exist.

use streaming_runtime::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Clikc>, out: Sink<Click>>() {
        clicks.filter(|click| click.user > 0).to(out);
    }
);

fn main() {}
