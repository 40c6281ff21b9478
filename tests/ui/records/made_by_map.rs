//! A record that no port carries must be one as well.

use streaming_runtime::prelude::*;

struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<users: Source<u64>, out: Sink<u64>>() {
        let clicks = users.map(|user| Click { user });
        clicks.map(|click| click.user).to(out);
    }
);

fn main() {}
