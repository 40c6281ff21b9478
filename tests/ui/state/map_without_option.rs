//! The function says by an option whether something comes of a record.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<u64>>() {
        let (users, _) = clicks.map_with_state(idle_for(minutes(30)), |user, page, n: &mut KeyState<u64>| *user);
        users.to(out);
    }
);

fn main() {}
