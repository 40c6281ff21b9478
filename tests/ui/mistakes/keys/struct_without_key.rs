//! fix: .key_by(
//! A struct is no pair.

use streaming_runtime::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Click {
    user: u64,
    page: String,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<(u64, Vec<Click>)>>() {
        clicks.group_by_key().to(out);
    }
);

fn main() {}
