//! How long was said already.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<(u64, u64)>>() {
        let (_users, states) = clicks.map_with_state(idle_for(minutes(30)), |user, page, n: &mut KeyState<u64>| Some(*user));
        states.expire_after(minutes(30)).to(out);
    }
);

fn main() {}
