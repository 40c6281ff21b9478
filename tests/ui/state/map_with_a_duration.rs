//! How long is said by `idle_for` or `unbounded`.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<u64>>() {
        let (users, _) = clicks.map_with_state(minutes(30), |user, page, n: &mut KeyState<u64>| Some(*user));
        users.to(out);
    }
);

fn main() {}
