//! It says first how long a key is kept.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<u64>>() {
        let (users, _) = clicks.map_with_state(|user, page, n: &mut KeyState<u64>| Some(*user));
        users.to(out);
    }
);

fn main() {}
