//! One of two ports.

use streaming_runtime::prelude::*;

struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<u64>>() {
        clicks.map(|click| click.user).to(out);
    }
);

fn main() {}
