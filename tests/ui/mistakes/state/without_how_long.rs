//! fix: idle_for
//! State is bounded.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<(u64, u64)>>() {
        let (counts, _) = clicks.map_with_state(|user, _page, n: &mut KeyState<u64>| Some((*user, 1)));
        counts.to(out);
    }
);

fn main() {}
