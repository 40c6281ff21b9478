//! fix: Tag
//! One field of two is no record.

use streaming_runtime::prelude::*;

struct Tag(String);

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Click {
    user: u64,
    tag: Tag,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<u64>>() {
        clicks.map(|click| click.user).to(out);
    }
);

fn main() {}
