//! fix: copied
//! The state is shown.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<(u64, u64)>>() {
        let (counts, _) = clicks.map_with_state(idle_for(minutes(30)), |user, _page, n: &mut KeyState<u64>| {
            let count = n.get().unwrap_or(0) + 1;
            n.update(count);
            Some((*user, count))
        });
        counts.to(out);
    }
);

fn main() {}
