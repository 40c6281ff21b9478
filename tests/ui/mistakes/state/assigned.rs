//! fix: .update(
//! A state is updated.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<(u64, u64)>>() {
        let (counts, _) = clicks.map_with_state(idle_for(minutes(30)), |user, _page, n: &mut KeyState<u64>| {
            *n = 1;
            Some((*user, 1))
        });
        counts.to(out);
    }
);

fn main() {}
