//! The value is an option: there is none when a key times out.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<u64>>() {
        let (users, _) =
            clicks.map_with_state(idle_for(minutes(30)), |user, page: String, n: &mut KeyState<u64>| Some(*user));
        users.to(out);
    }
);

fn main() {}
