//! fix: SystemTime
//! An instant means nothing to another process.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<(u64, std::time::Instant)>, out: Sink<u64>>() {
        clicks.map(|(user, _)| user).to(out);
    }
);

fn main() {}
