//! fix: BatchTime
//! A state is written to the checkpoint.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, String)>, out: Sink<(u64, u64)>>() {
        let (counts, _) = clicks.map_with_state(idle_for(minutes(30)), |user, _page, seen: &mut KeyState<std::time::Instant>| {
            seen.update(std::time::Instant::now());
            Some((*user, 1))
        });
        counts.to(out);
    }
);

fn main() {}
