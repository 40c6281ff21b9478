//! fix: .map_with_state(
//! As in Scala.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<pairs: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        pairs.mapWithState(|key, value, state| Some(1)).to(out);
    }
);

fn main() {}
