//! One of two ports.

use streaming_runtime::prelude::*;

struct Click {
    user: u64,
}

stream!(
    #[batch(secs(1))]
    fn flow<users: Source<u64>, out: Sink<Click>>() {
        users.map(|user| Click { user }).to(out);
    }
);

fn main() {}
